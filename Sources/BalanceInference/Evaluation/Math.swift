import Foundation

/// e to the power of `value`.
func exponential(_ value: Double) -> Double { exp(value) }

/// The natural logarithm of 1 + e^value, without overflow.
func softplus(_ value: Double) -> Double { max(value, 0) + log1p(exp(-abs(value))) }

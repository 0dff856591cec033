import Foundation

/// e to the power of `value`.
func exponential(_ value: Double) -> Double { exp(value) }

/// The natural logarithm of 1 + e^value, without overflow.
func softplus(_ value: Double) -> Double { max(value, 0) + log1p(exp(-abs(value))) }

/// The natural logarithm.
func logarithm(_ value: Double) -> Double { log(value) }

/// The hyperbolic tangent.
func hyperbolicTangent(_ value: Double) -> Double { tanh(value) }

/// A power of a number that is not negative.
func raised(_ value: Double, _ power: Double) -> Double { pow(value, power) }

/// e to the power of `value`, in single precision.
func exponential(_ value: Float) -> Float { expf(value) }

import BalanceCore
import Foundation

/// L2 logistic regression, solved to its optimum.
///
/// Minimises the sum of the log losses plus ½‖w‖²; the intercept is not penalised. That is scikit-learn's
/// `LogisticRegression(C=1)`, whose default tolerance stops a little before. Solved by Newton's method with conjugate
/// gradients for the step (Nocedal and Wright, Numerical Optimization, algorithm 7.1), so that memory stays that of the
/// data. The objective is strictly convex in w, so separable data and duplicate columns have one answer too.
package struct LogisticRegression: Sendable {
    package private(set) var weights: [Double]
    package private(set) var intercept: Double
    package private(set) var objective: Double
    package private(set) var gradientNorm: Double
    package private(set) var iterations: Int

    private static let maximumIterations = 200

    /// - Parameters:
    ///   - features: Standardised, finite numbers.
    ///   - target: 0 or 1 for each row; both occur.
    /// - Throws: `Failure` with code `trainingFailed` where no optimum is reached.
    package init(features: Matrix, target: [Int]) throws {
        let problem = Problem(features: features, target: target.map(Double.init))
        var point = [Double](repeating: 0, count: features.columns + 1)
        var state = problem.evaluate(point)
        let tolerance = 1e-9 * max(1, Double(features.rows).squareRoot())
        iterations = 0
        while state.gradientNorm > tolerance {
            guard iterations < Self.maximumIterations, state.objective.isFinite else {
                throw Failure(
                    .trainingFailed,
                    "training did not converge in \(iterations) iterations",
                    hint: "check the columns for extreme values"
                )
            }
            let step = problem.step(from: state)
            guard let next = problem.search(from: point, state, along: step) else { break }
            (point, state) = next
            iterations += 1
        }
        weights = Array(point.dropLast())
        intercept = point[features.columns]
        objective = state.objective
        gradientNorm = state.gradientNorm
        // Rounding can end the search a little above the tolerance; more than that is no optimum.
        guard gradientNorm <= tolerance * 1000, (weights + [intercept, objective]).allSatisfy(\.isFinite) else {
            throw Failure(
                .trainingFailed,
                "training did not converge: the gradient norm is \(gradientNorm)",
                hint: "check the columns for extreme values"
            )
        }
    }
}

/// The objective, its gradient and products with its second derivative; the last unknown is the intercept.
private struct Problem {
    let features: Matrix
    let target: [Double]

    struct State {
        var objective: Double
        var gradient: [Double]
        /// p(1 - p) of each row.
        var curvature: [Double]
        var gradientNorm: Double { norm(gradient) }
    }

    func evaluate(_ point: [Double]) -> State {
        let decisions = decisions(point)
        let probabilities = decisions.map(Outputs.sigmoid)
        var gradient = transposed(zip(probabilities, target).map { $0 - $1 })
        var objective = zip(decisions, target).reduce(0) { $0 + softplus($1.1 == 1 ? -$1.0 : $1.0) }
        for index in 0..<features.columns {
            gradient[index] += point[index]
            objective += 0.5 * point[index] * point[index]
        }
        return State(objective: objective, gradient: gradient, curvature: probabilities.map { $0 * (1 - $0) })
    }

    /// Solves `H step = -gradient` closely enough that Newton's method converges quadratically.
    func step(from state: State) -> [Double] {
        let wanted = min(0.1, state.gradientNorm) * state.gradientNorm * 0.1
        let diagonal = diagonal(state)
        var step = [Double](repeating: 0, count: state.gradient.count)
        var residual = state.gradient.map { -$0 }
        var scaled = zip(residual, diagonal).map(/)
        var direction = scaled
        var product = dot(residual, scaled)
        for _ in 0..<max(50, 2 * state.gradient.count) where norm(residual) > wanted {
            let curved = curved(direction, state)
            let curvature = dot(direction, curved)
            guard curvature > 0, curvature.isFinite else { break }
            let length = product / curvature
            for index in step.indices {
                step[index] += length * direction[index]
                residual[index] -= length * curved[index]
            }
            scaled = zip(residual, diagonal).map(/)
            let next = dot(residual, scaled)
            let ratio = next / product
            product = next
            for index in direction.indices { direction[index] = scaled[index] + ratio * direction[index] }
        }
        return step
    }

    /// Halves the step until the objective falls enough; nil where rounding lets it fall no further.
    func search(from point: [Double], _ state: State, along step: [Double]) -> ([Double], State)? {
        let slope = dot(state.gradient, step)
        var length = 1.0
        while length > 1e-10 {
            let candidate = zip(point, step).map { $0 + length * $1 }
            let next = evaluate(candidate)
            if next.objective <= state.objective + 1e-4 * length * slope { return (candidate, next) }
            // Near the optimum the objective no longer tells two points apart, but the gradient does.
            let isFlat = abs(next.objective - state.objective) <= 1e-12 * abs(state.objective)
            if isFlat, next.gradientNorm < 0.5 * state.gradientNorm { return (candidate, next) }
            length *= 0.5
        }
        return nil
    }

    private func decisions(_ point: [Double]) -> [Double] {
        let columns = features.columns
        return features.values.withUnsafeBufferPointer { values in
            point.withUnsafeBufferPointer { point in
                (0..<features.rows).map { row in
                    var sum = point[columns]
                    for column in 0..<columns { sum += values[row * columns + column] * point[column] }
                    return sum
                }
            }
        }
    }

    /// `Xᵀ v`, and the sum of `v` for the intercept.
    private func transposed(_ vector: [Double]) -> [Double] {
        let columns = features.columns
        var result = [Double](repeating: 0, count: columns + 1)
        features.values.withUnsafeBufferPointer { values in
            result.withUnsafeMutableBufferPointer { result in
                for (row, factor) in vector.enumerated() {
                    for column in 0..<columns { result[column] += values[row * columns + column] * factor }
                    result[columns] += factor
                }
            }
        }
        return result
    }

    private func curved(_ direction: [Double], _ state: State) -> [Double] {
        var result = transposed(zip(decisions(direction), state.curvature).map { $0 * $1 })
        for index in 0..<features.columns { result[index] += direction[index] }
        return result
    }

    private func diagonal(_ state: State) -> [Double] {
        var result = [Double](repeating: 1, count: features.columns + 1)
        result[features.columns] = max(state.curvature.reduce(0, +), 1e-12)
        for (row, curvature) in state.curvature.enumerated() {
            for column in 0..<features.columns {
                let value = features.values[row * features.columns + column]
                result[column] += curvature * value * value
            }
        }
        return result
    }
}

private func dot(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }

private func norm(_ vector: [Double]) -> Double { dot(vector, vector).squareRoot() }

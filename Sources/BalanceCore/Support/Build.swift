/// What this program is.
package enum Build {
    /// The version of the package.
    package static let version = "0.1.0"
    /// The version of the Swift compiler that built it.
    package static let swiftVersion = "6.3"
}

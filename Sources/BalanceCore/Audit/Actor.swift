/// Who asks for a change; every call that changes or removes something for others names one.
package struct Actor: Sendable, Hashable {
    /// As they say it themselves, as long as there are no accounts.
    package var name: String
    package var requestID: String?

    package init(name: String, requestID: String? = nil) {
        self.name = name
        self.requestID = requestID
    }
}

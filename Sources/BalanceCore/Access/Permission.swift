/// What an endpoint asks of whoever calls it; each endpoint names one.
package enum Permission: String, Sendable, CaseIterable {
    /// Nothing: health, the sign of life, what a page is made of.
    case open
    /// To see runs, artifacts, models, decisions and pages.
    case read
    /// To have a model answer.
    case predict
    /// To track runs, store artifacts, and register models and versions.
    case write
    /// To let a version serve where the policy allows it.
    case promote
    /// To approve a version.
    case approve
    /// To roll back, freeze, quarantine, load and unload.
    case operate
    /// To force, to bind and save policies, to purge, and to add webhooks.
    case administer
}

/// Counts approvals where several roles are asked for.
enum RoleCover {
    /// How many of the approvals that are needed people give who have these roles.
    ///
    /// As many different roles must be covered as approvals are needed, each by somebody else; where more approvals are
    /// needed than there are roles, each role is covered and the rest may be of any.
    static func count(_ people: [[String]], _ need: PromotionPolicy.ApprovalNeed) -> Int {
        let roles = need.roles.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        let wanted = min(need.required, roles.count)
        let covered = covered(people, roles)
        return covered >= wanted ? max(people.count, covered) : covered
    }

    /// How many roles can be covered at once, each by another person: a maximum matching along augmenting paths.
    private static func covered(_ people: [[String]], _ roles: [String]) -> Int {
        var holder: [Int?] = Array(repeating: nil, count: roles.count)
        func place(_ person: Int, _ seen: inout Set<Int>) -> Bool {
            for (role, name) in roles.enumerated() where people[person].contains(name) && !seen.contains(role) {
                seen.insert(role)
                if let other = holder[role], !place(other, &seen) { continue }
                holder[role] = person
                return true
            }
            return false
        }
        return people.indices.count { person in
            var seen: Set<Int> = []
            return place(person, &seen)
        }
    }
}

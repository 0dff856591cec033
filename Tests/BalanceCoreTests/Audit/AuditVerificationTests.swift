import Crypto
import Testing

@testable import BalanceCore

struct AuditVerificationTests {
    private func trail(_ count: Int) -> [AuditEvent] {
        var events: [AuditEvent] = []
        for number in 1...count {
            var event = AuditEvent(
                sequence: number,
                at: Timestamp(milliseconds: number),
                actor: "jin",
                stored: "promoted",
                subject: "m",
                reason: "r\(number)",
                decisionJSON: nil
            )
            event.previousHash = events.last?.hash ?? AuditEvent.origin
            event.hash = event.expectedHash
            events.append(event)
        }
        return events
    }

    private func problem(_ events: [AuditEvent], heads: [AuditHead] = []) -> Int? {
        var verification = AuditVerification(keys: [], heads: heads)
        for event in events { verification.add(event) }
        verification.finish()
        return verification.problem?.sequence
    }

    @Test func `a trail without signatures is no trail where there is a key`() {
        func problem(_ heads: [AuditHead]) -> String? {
            var verification = AuditVerification(
                keys: [Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)],
                heads: heads
            )
            for event in trail(3) { verification.add(event) }
            verification.finish()
            return verification.problem?.message
        }
        #expect(problem([])?.contains("is not signed") == true)
        // Lines from before there was a key.
        #expect(problem([AuditHead(sequence: 3, hash: trail(3)[2].hash, signature: nil, signedFrom: 4)]) == nil)
    }

    @Test func `a registry that says otherwise than the trail is found`() {
        let slot = Slot(model: "m", generation: 3, version: 7)
        func move(_ version: Int?, _ generation: Int, by actor: String = "jin") -> SlotMove {
            SlotMove(
                generation: generation,
                version: version,
                kind: "promote",
                at: Timestamp(milliseconds: 1),
                actor: actor
            )
        }
        func line(_ version: Int) -> AuditEvent {
            var event = trail(1)[0]
            event.toVersion = version
            return event
        }
        #expect(slot.contradiction(lastMove: move(7, 3), cause: line(7)) == nil)
        #expect(
            slot.contradiction(lastMove: move(7, 3), cause: line(6))?.contains("the registry has version 7") == true
        )
        #expect(
            slot.contradiction(lastMove: move(6, 3), cause: line(7))?.contains("its history ends with version 6")
                == true
        )
        #expect(slot.contradiction(lastMove: move(7, 2), cause: line(7)) != nil)
        #expect(slot.contradiction(lastMove: move(7, 3), cause: nil) != nil)
        #expect(slot.contradiction(lastMove: move(7, 3, by: "migration"), cause: nil) == nil)
    }

    @Test func `a trail as it was written is whole`() { #expect(problem(trail(20)) == nil) }

    @Test(arguments: 1...20) func `a changed line is found`(line: Int) {
        var events = trail(20)
        events[line - 1].actor = "somebody else"
        #expect(problem(events) == line)
    }

    @Test(arguments: 1..<20) func `a line that is taken out or moved is found`(line: Int) {
        var gap = trail(20)
        gap.remove(at: line - 1)
        #expect(problem(gap) == line)
        var moved = trail(20)
        moved.swapAt(line - 1, line)
        #expect(problem(moved) == line)
    }

    @Test func `a line that was changed with its hash breaks the next one`() {
        var events = trail(20)
        events[4].reason = "another"
        events[4].hash = events[4].expectedHash
        #expect(problem(events) == 6)
    }

    @Test func `a cut end is found by a head that was kept elsewhere`() {
        let events = trail(20)
        let head = AuditHead(sequence: 20, hash: events[19].hash, signature: nil)
        #expect(problem(Array(events.prefix(15))) == nil)
        #expect(problem(Array(events.prefix(15)), heads: [head]) == 16)
        #expect(problem(events, heads: [head]) == nil)
    }

    @Test func `a trail that was written anew is found by a head`() {
        let old = trail(20)
        var events = trail(20)
        var previous = AuditEvent.origin
        for index in events.indices {
            events[index].actor = "somebody else"
            events[index].previousHash = previous
            events[index].hash = events[index].expectedHash
            previous = events[index].hash
        }
        #expect(problem(events) == nil)
        #expect(problem(events, heads: [AuditHead(sequence: 7, hash: old[6].hash, signature: nil)]) == 7)
    }
}

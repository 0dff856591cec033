import BalanceCore
import BalanceNet
import Testing

@testable import BalanceCommands

struct OutboundRulesTests {
    @Test(arguments: [
        "8.8.8.8", "1.1.1.1", "2606:4700::1111", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1",
        "::ffff:8.8.8.8",
    ])
    func `a public address is one`(text: String) throws {
        #expect(try #require(NetworkAddress(text)).isPublic)
    }

    @Test(arguments: [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "fd00::1", "fe80::1", "ff02::1", "::ffff:127.0.0.1",
        "::127.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::", "2001:db8::1", "2001::1",
    ])
    func `a private or special address is none`(text: String) throws {
        #expect(try #require(NetworkAddress(text)).isPublic == false)
    }

    @Test(arguments: ["1", "127.1", "0x7f.0.0.1", "0177.0.0.1", "256.1.1.1", "1.2.3.4.5", "::g", ""])
    func `a text in another form is no address`(text: String) { #expect(NetworkAddress(text) == nil) }

    @Test func `what the settings name is allowed, and nothing beside it`() throws {
        let rules = OutboundRules(allowed: "hooks.corp, 10.1.0.0/16, 192.168.0.7")
        for good in ["http://hooks.corp/x", "https://10.1.2.3/", "http://10.1.255.255:8080/", "http://192.168.0.7/"] {
            #expect(try rules.target(good).port > 0, "\(good)")
        }
        for bad in ["http://other.corp/x", "https://10.2.0.1/", "http://192.168.0.8/", "http://hooks.corp.evil.com/"] {
            #expect(throws: Failure.self, "\(bad)") { try rules.target(bad) }
        }
    }

    @Test func `the name that is connected to is the one that was checked`() throws {
        let target = try OutboundRules(allowed: "").target("https://Example.COM:8443/Path?q=A")
        #expect(target.url == "https://example.com:8443/Path?q=A")
        #expect(target.host == "example.com")
    }

    @Test func `a name that turns out to be private is not connected to`() async throws {
        let rules = OutboundRules(allowed: "")
        let target = OutboundRules.Target(
            url: "https://localhost/",
            host: "localhost",
            port: 443,
            isSecure: true,
            address: nil
        )
        let failure = await #expect(throws: Failure.self) { try await rules.address(of: target) }
        #expect(failure?.code == .urlNotAllowed)
        #expect(try await OutboundRules(allowed: "localhost").address(of: target).isPublic == false)
    }
}

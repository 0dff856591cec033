/// A hash that tells texts and files apart, and keeps no secret.
///
/// Fowler, Noll, Vo; RFC 9923, the 64-bit variant FNV-1a.
package enum FNV1a {
    package static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

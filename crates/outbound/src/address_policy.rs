use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::AddressPolicyError;
use crate::network::Network;

/// Which addresses may be connected to: all that the public Internet routes, and the networks that are named here.
///
/// ```
/// use ratchet_outbound::AddressPolicy;
/// let policy: AddressPolicy = "10.1.0.0/16, ::1".parse()?;
/// assert!(policy.permits("93.184.216.34".parse()?));
/// assert!(policy.permits("10.1.2.3".parse()?));
/// assert!(!policy.permits("10.2.0.1".parse()?));
/// assert!(!AddressPolicy::default().permits("127.0.0.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    allowed: Vec<Network>,
}

impl AddressPolicy {
    /// A policy that also permits these networks and addresses.
    ///
    /// # Errors
    /// [`AddressPolicyError`] names the first that is neither, and what is allowed.
    pub fn allowing<S: AsRef<str>>(
        networks: impl IntoIterator<Item = S>,
    ) -> Result<Self, AddressPolicyError> {
        let network = |text: S| {
            let text = text.as_ref().trim();
            text.parse().map_err(|rule| AddressPolicyError {
                value: text.to_owned(),
                rule,
            })
        };
        let allowed = networks.into_iter().map(network).collect::<Result<_, _>>()?;
        Ok(Self { allowed })
    }

    /// Whether the address may be connected to. An IPv6 address that stands for an IPv4 address is judged by that.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        if self.allowed.iter().any(|network| network.contains(address)) {
            return true;
        }
        match address {
            IpAddr::V4(address) => is_public_v4(address),
            IpAddr::V6(address) => match embedded_v4(address) {
                Some(embedded) => self.permits(IpAddr::V4(embedded)),
                None => is_public_v6(address),
            },
        }
    }
}

impl FromStr for AddressPolicy {
    type Err = AddressPolicyError;

    /// From networks and addresses with commas between them. The empty text allows none.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        Self::allowing(text.split(','))
    }
}

impl fmt::Display for AddressPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.allowed.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{network}")?;
        }
        Ok(())
    }
}

/// The IPv4 networks that are not globally reachable, after IANA's registry of special-purpose addresses.
const SPECIAL_V4: [Network; 15] = [
    v4(0, 0, 0, 0, 8),       // this network
    v4(10, 0, 0, 0, 8),      // private
    v4(100, 64, 0, 0, 10),   // carrier-grade NAT
    v4(127, 0, 0, 0, 8),     // loopback
    v4(169, 254, 0, 0, 16),  // link-local, among them the clouds' metadata services
    v4(172, 16, 0, 0, 12),   // private
    v4(192, 0, 0, 0, 24),    // protocol assignments
    v4(192, 0, 2, 0, 24),    // documentation
    v4(192, 88, 99, 0, 24),  // 6to4 relays
    v4(192, 168, 0, 0, 16),  // private
    v4(198, 18, 0, 0, 15),   // benchmarks
    v4(198, 51, 100, 0, 24), // documentation
    v4(203, 0, 113, 0, 24),  // documentation
    v4(224, 0, 0, 0, 4),     // multicast
    v4(240, 0, 0, 0, 4),     // reserved, and broadcast
];

/// What IANA has assigned for unicast on the Internet.
const UNICAST_V6: Network = v6(0x2000, 0, 3);

/// The parts of [`UNICAST_V6`] that are not globally reachable.
const SPECIAL_V6: [Network; 3] = [
    v6(0x2001, 0, 23),     // protocol assignments, among them Teredo, benchmarks and ORCHID
    v6(0x2001, 0xdb8, 32), // documentation
    v6(0x3fff, 0, 20),     // documentation
];

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Network {
    Network::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix)
}

const fn v6(first: u16, second: u16, prefix: u8) -> Network {
    Network::new(IpAddr::V6(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)), prefix)
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let address = IpAddr::V4(address);
    !SPECIAL_V4.iter().any(|network| network.contains(address))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let address = IpAddr::V6(address);
    UNICAST_V6.contains(address) && !SPECIAL_V6.iter().any(|network| network.contains(address))
}

/// The IPv4 address that an IPv6 address leads to, by the kernel's doing or a translator's on the way.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let low = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Compatible, mapped, translated, NAT64 with the well-known prefix.
        [0, 0, 0, 0, 0, 0, a, b]
        | [0, 0, 0, 0, 0, 0xffff, a, b]
        | [0, 0, 0, 0, 0xffff, 0, a, b]
        | [0x64, 0xff9b, 0, 0, 0, 0, a, b] => low(a, b),
        // 6to4.
        [0x2002, a, b, ..] => low(a, b),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn permits(policy: &str, address: &str) -> bool {
        policy
            .parse::<AddressPolicy>()
            .unwrap()
            .permits(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_the_internet_are_permitted() {
        for address in [
            "1.1.1.1",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::200e",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
        ] {
            assert!(permits("", address), "{address}");
        }
    }

    #[test]
    fn addresses_that_the_internet_does_not_route_are_refused_in_every_form() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            let IpAddr::V4(v4) = address.parse().unwrap() else {
                panic!("{address}")
            };
            let [a, b, c, d] = v4.octets();
            let hex = format!("{a:02x}{b:02x}:{c:02x}{d:02x}");
            for form in [
                address.to_owned(),
                format!("::ffff:{address}"),
                format!("::{address}"),
                format!("::ffff:0:{address}"),
                format!("64:ff9b::{address}"),
                format!("2002:{hex}::1"),
            ] {
                assert!(!permits("", &form), "{form}");
            }
        }
        for address in [
            "::",
            "::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "64:ff9b:1::1",
            "2001::1",
            "2001:2::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
        ] {
            assert!(!permits("", address), "{address}");
        }
    }

    #[test]
    fn what_is_allowed_is_permitted_and_nothing_beside_it() {
        assert!(permits("127.0.0.0/8", "127.0.0.1"));
        assert!(permits("127.0.0.0/8", "::ffff:127.0.0.1"), "it is the same place");
        assert!(!permits("127.0.0.0/8", "::1"));
        assert!(!permits("127.0.0.0/8", "10.0.0.1"));
        assert!(permits(" 10.1.2.3 , ::1 ", "::1"));
        assert!(permits("10.1.2.3,::1", "10.1.2.3"));
        assert!(!permits("10.1.2.3", "10.1.2.4"));
    }

    #[test]
    fn a_policy_is_written_as_it_is_read_and_names_what_is_none() {
        let policy: AddressPolicy = "127.0.0.0/8,::1".parse().unwrap();
        assert_eq!(policy.to_string(), "127.0.0.0/8, ::1");
        assert_eq!(policy.to_string().parse(), Ok(policy));
        assert_eq!(" ".parse(), Ok(AddressPolicy::default()));
        assert_eq!(AddressPolicy::default().to_string(), "");
        let error = "::1,10.1.2.3/8".parse::<AddressPolicy>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "network \"10.1.2.3/8\": the address has bits after its prefix: 10.0.0.0/8 and 10.1.2.3 are allowed"
        );
        assert!("10.0.0.0/8,".parse::<AddressPolicy>().is_err());
    }

    /// What the standard library knows of these addresses, written down independently of the table above.
    fn std_calls_it_special(address: Ipv4Addr) -> bool {
        let [a, b, ..] = address.octets();
        address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_broadcast()
            || address.is_documentation()
            || address.is_multicast()
            || address.is_unspecified()
            || a == 0
            || a >= 240
            || (a == 100 && (64..128).contains(&b))
            || (a == 198 && (b == 18 || b == 19))
    }

    proptest! {
        #[test]
        fn no_special_address_of_ipv4_is_permitted_by_default_in_any_form(bits: u32, host: u64) {
            let v4 = Ipv4Addr::from(bits);
            let permitted = AddressPolicy::default().permits(IpAddr::V4(v4));
            prop_assert!(!(permitted && std_calls_it_special(v4)), "{v4}");
            let mapped = v4.to_ipv6_mapped();
            let sixtofour = Ipv6Addr::from((0x2002_u128 << 112) | (u128::from(bits) << 80) | u128::from(host));
            let nat64 = Ipv6Addr::from((0x0064_ff9b_u128 << 96) | u128::from(bits));
            for form in [mapped, sixtofour, nat64] {
                prop_assert_eq!(AddressPolicy::default().permits(IpAddr::V6(form)), permitted, "{}", form);
            }
        }

        #[test]
        fn an_address_of_ipv6_outside_of_the_assigned_unicast_space_leads_nowhere_or_to_ipv4(bits: u128) {
            let v6 = Ipv6Addr::from(bits);
            let outside = bits >> 125 != 1;
            if outside && embedded_v4(v6).is_none() {
                prop_assert!(!AddressPolicy::default().permits(IpAddr::V6(v6)), "{v6}");
            }
        }

        #[test]
        fn an_address_is_permitted_by_a_network_of_which_it_is_one(bits: u32, prefix in 0_u8..=32) {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            let text = format!("{}/{prefix}", Ipv4Addr::from(bits & mask));
            prop_assert!(permits(&text, &Ipv4Addr::from(bits).to_string()));
        }
    }
}

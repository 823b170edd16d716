use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network: the addresses whose first bits are these. A single address is the network of all its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// `10.0.0.0/8` from its parts; `prefix` is at most the number of the address's bits.
    pub(crate) const fn new(address: IpAddr, prefix: u8) -> Self {
        Self { address, prefix }
    }

    /// Whether the address is one of the network's. A network of one family has no address of the other.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                // A shift by all of the bits would overflow.
                differing.checked_shr(32 - u32::from(self.prefix)).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.checked_shr(128 - u32::from(self.prefix)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    fn bits_of(address: IpAddr) -> u8 {
        if address.is_ipv4() { 32 } else { 128 }
    }

    /// The network's first address, which is how it is written.
    fn first(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(own) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V4((own.to_bits() & mask).into())
            }
            IpAddr::V6(own) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V6((own.to_bits() & mask).into())
            }
        }
    }
}

impl FromStr for Network {
    /// What is allowed instead.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rule = || "a network such as 10.0.0.0/8 or fd00::/8, or one address, is allowed".to_owned();
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix)),
        };
        let address: IpAddr = address.parse().map_err(|_| rule())?;
        let bits = Self::bits_of(address);
        let prefix = match prefix {
            None => bits,
            Some(digits) if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Err(rule());
            }
            Some(digits) => match digits.parse::<u8>() {
                Ok(prefix) if prefix <= bits => prefix,
                _ => return Err(format!("a prefix of 0 to {bits} bits is allowed")),
            },
        };
        let network = Self::new(address, prefix);
        let first = network.first();
        if first == address {
            Ok(network)
        } else {
            Err(format!(
                "the address has bits after its prefix: {first}/{prefix} and {address} are allowed"
            ))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == Self::bits_of(self.address) {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_has_the_addresses_between_its_first_and_its_last() {
        for (text, inside, outside) in [
            (
                "10.0.0.0/8",
                vec!["10.0.0.0", "10.255.255.255"],
                vec!["9.255.255.255", "11.0.0.0"],
            ),
            (
                "10.1.2.3",
                vec!["10.1.2.3"],
                vec!["10.1.2.2", "10.1.2.4", "::ffff:10.1.2.3"],
            ),
            ("0.0.0.0/0", vec!["0.0.0.0", "255.255.255.255"], vec!["::"]),
            (
                "fd00::/8",
                vec!["fd00::", "fdff::1"],
                vec!["fc00::", "fe00::", "10.0.0.1"],
            ),
            ("::/0", vec!["::", "ffff::"], vec!["0.0.0.0"]),
            ("::1", vec!["::1"], vec!["::", "::2"]),
        ] {
            for address in inside {
                assert!(
                    network(text).contains(address.parse().unwrap()),
                    "{address} in {text}"
                );
            }
            for address in outside {
                assert!(
                    !network(text).contains(address.parse().unwrap()),
                    "{address} not in {text}"
                );
            }
        }
    }

    #[test]
    fn a_network_is_written_as_it_is_read() {
        for text in ["10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "fd00::/8", "::1", "::/0"] {
            assert_eq!(network(text).to_string(), text);
        }
        assert_eq!(network("10.1.2.3/32").to_string(), "10.1.2.3");
    }

    #[test]
    fn what_is_no_network_is_refused_with_what_is_allowed() {
        for (text, rule) in [
            ("localhost", "a network such as"),
            ("10.0.0", "a network such as"),
            ("10.0.0.0/", "a network such as"),
            ("10.0.0.0/+8", "a network such as"),
            ("010.0.0.0/8", "a network such as"),
            ("10.0.0.0/33", "0 to 32 bits"),
            ("::/129", "0 to 128 bits"),
            ("::/999", "0 to 128 bits"),
            ("10.1.2.3/8", "10.0.0.0/8 and 10.1.2.3 are allowed"),
            ("fd00::1/8", "fd00::/8 and fd00::1 are allowed"),
        ] {
            let error = text.parse::<Network>().unwrap_err();
            assert!(error.contains(rule), "{text}: {error}");
        }
    }
}

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ratchet_interfaces::TokenId;

/// How long a client may send more than its rate, after it has rested.
const BURST: Duration = Duration::from_secs(2);
/// As many clients are told apart. Those beyond share one limit, so that nobody makes the memory grow.
const MOST_CLIENTS: usize = 65_536;
/// Clients that have rested are forgotten no more often than this.
const SWEEP: Duration = Duration::from_secs(1);

/// Of whom requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    Token(TokenId),
    /// Where it comes from. Of an IPv6 address the network counts: whoever has one has all addresses of it.
    Address(IpAddr),
    /// Those of whom nothing is known, and those that came when there were too many.
    Other,
}

impl Client {
    pub(crate) fn at(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Other,
            Some(IpAddr::V6(address)) => {
                let network = u128::from(address) >> 64 << 64;
                Self::Address(Ipv6Addr::from(network).into())
            }
            Some(address) => Self::Address(address),
        }
    }
}

/// Lets each client send so many requests a second, and twice as many at once if it has rested. It is the generic cell
/// rate algorithm: of each client one instant is kept, that at which it would have sent all its requests if it had kept to
/// its rate.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// How long a request counts; `None` is no limit.
    interval: Option<Duration>,
    clients: Mutex<Clients>,
}

#[derive(Debug, Default)]
struct Clients {
    due: HashMap<Client, Duration>,
    next_sweep: Duration,
}

impl RateLimit {
    pub(crate) fn new(requests_per_second: u32) -> Self {
        let interval = (requests_per_second > 0).then(|| Duration::from_secs(1) / requests_per_second);
        Self {
            interval,
            clients: Mutex::default(),
        }
    }

    /// Counts a request at a time that never goes back.
    ///
    /// # Errors
    /// How long the client must wait before its next request.
    pub(crate) fn count(&self, client: Client, now: Duration) -> Result<(), Duration> {
        let Some(interval) = self.interval else {
            return Ok(());
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.known_or_other(client, now);
        let due = clients.due.get(&client).map_or(now, |due| now.max(*due)) + interval;
        match due.saturating_sub(now).checked_sub(BURST) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                clients.due.insert(client, due);
                Ok(())
            }
        }
    }
}

impl Clients {
    fn known_or_other(&mut self, client: Client, now: Duration) -> Client {
        if self.due.len() < MOST_CLIENTS || self.due.contains_key(&client) {
            return client;
        }
        if self.next_sweep <= now {
            self.due.retain(|_, due| *due > now);
            self.next_sweep = now + SWEEP;
        }
        if self.due.len() < MOST_CLIENTS {
            client
        } else {
            Client::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_000);

    fn address(number: u32) -> Client {
        Client::at(Some(IpAddr::V4(number.into())))
    }

    fn allowed(limit: &RateLimit, client: Client, now: Duration) -> usize {
        (0..10_000)
            .take_while(|_| limit.count(client, now).is_ok())
            .count()
    }

    #[test]
    fn a_client_may_send_two_seconds_of_requests_at_once_and_then_its_rate() {
        let limit = RateLimit::new(10);
        assert_eq!(allowed(&limit, address(1), START), 20);
        let wait = limit.count(address(1), START).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(allowed(&limit, address(1), START + wait), 1);
        assert_eq!(
            allowed(&limit, address(1), START + wait + Duration::from_secs(1)),
            10
        );
        assert_eq!(allowed(&limit, address(1), START + Duration::from_secs(60)), 20);
    }

    #[test]
    fn no_client_uses_up_what_another_may_send() {
        let limit = RateLimit::new(10);
        assert_eq!(allowed(&limit, address(1), START), 20);
        for other in [address(2), Client::Token(TokenId::new()), Client::Other] {
            assert_eq!(allowed(&limit, other, START), 20, "{other:?}");
        }
    }

    #[test]
    fn without_a_limit_everything_is_allowed() {
        assert_eq!(allowed(&RateLimit::new(0), address(1), START), 10_000);
    }

    #[test]
    fn many_clients_do_not_make_the_memory_grow() {
        let limit = RateLimit::new(1);
        let known = |limit: &RateLimit| limit.clients.lock().unwrap().due.len();
        for number in 0..70_000 {
            // Those that come when there are too many share a limit, and are refused when it is used up.
            let _ = limit.count(address(number), START);
        }
        assert!(known(&limit) <= MOST_CLIENTS + 1, "{}", known(&limit));
        assert!(limit.count(address(70_001), START).is_err());
        let later = START + Duration::from_secs(60);
        limit.count(address(70_002), later).unwrap();
        assert!(known(&limit) < 10, "{}", known(&limit));
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one_client() {
        let client = |text: &str| Client::at(Some(text.parse().unwrap()));
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:1"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("::ffff:10.0.0.1"), client("10.0.0.1"));
    }
}

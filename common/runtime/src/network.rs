//! Addresses of clients, and networks of them: what counts as one client, and
//! which proxies are believed.

use http::HeaderMap;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use std::{fmt, net::IpAddr, str::FromStr};

/// The header in which a proxy says whom it speaks for, the nearest last.
const FORWARDED: &str = "x-forwarded-for";

/// What counts as one client: an IPv4 address, or the /64 network that a client
/// of IPv6 is given as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address(IpAddr);

impl Address {
    pub(crate) fn of(ip: IpAddr) -> Self {
        let ip = ip.to_canonical();
        Self(if ip.is_ipv4() { ip } else { Network { ip, bits: 64 }.first() })
    }
}

/// Addresses with the same first bits: `10.0.0.0/8`, `2001:db8::/32`, or a single
/// address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    ip: IpAddr,
    bits: u32,
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no IP address and no network such as 10.0.0.0/8")]
pub struct ParseNetworkError(String);

impl Network {
    /// Whether this address is in it.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let other = Self { ip: ip.to_canonical(), bits: self.bits };
        self.ip.is_ipv4() == other.ip.is_ipv4() && self.first() == other.first()
    }

    fn first(&self) -> IpAddr {
        match self.ip {
            IpAddr::V4(ip) => {
                let kept = u32::MAX.checked_shl(32 - self.bits.min(32)).unwrap_or(0);
                IpAddr::V4((ip.to_bits() & kept).into())
            }
            IpAddr::V6(ip) => {
                let kept = u128::MAX.checked_shl(128 - self.bits.min(128)).unwrap_or(0);
                IpAddr::V6((ip.to_bits() & kept).into())
            }
        }
    }
}

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, ParseNetworkError> {
        let invalid = || ParseNetworkError(text.to_owned());
        let (ip, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let ip: IpAddr = ip.parse().map_err(|_| invalid())?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| invalid())?;
        if bits > most { Err(invalid()) } else { Ok(Self { ip, bits }) }
    }
}

impl TryFrom<String> for Network {
    type Error = ParseNetworkError;

    fn try_from(text: String) -> Result<Self, ParseNetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.bits)
    }
}

/// A list of networks, or one text with commas between them, as the environment
/// has it.
///
/// # Errors
/// If one of them is none.
pub fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Network>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Networks {
        One(String),
        Many(Vec<String>),
    }
    let texts = match Networks::deserialize(from)? {
        Networks::One(text) => text.split(',').map(|one| one.trim().to_owned()).collect(),
        Networks::Many(texts) => texts,
    };
    texts.iter().filter(|text| !text.is_empty()).map(|text| text.parse().map_err(D::Error::custom)).collect()
}

/// The address of whoever is behind the proxies that are believed: the last one
/// that they name and that is not one of them. What stands before it anybody may
/// have written.
#[must_use]
pub fn behind(proxies: &[Network], headers: &HeaderMap) -> Option<IpAddr> {
    let values = headers.get_all(FORWARDED).iter().rev().filter_map(|value| value.to_str().ok());
    let mut hops = values.flat_map(|value| value.rsplit(',')).map(|hop| hop.trim().parse::<IpAddr>());
    // What cannot be read ends the chain.
    loop {
        let hop = hops.next()?.ok()?;
        if !proxies.iter().any(|proxy| proxy.contains(hop)) {
            return Some(hop);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_is_its_first_bits() {
        let network = |text: &str| text.parse::<Network>().unwrap();
        assert!(network("10.0.0.0/8").contains(ip("10.200.3.4")) && !network("10.0.0.0/8").contains(ip("11.0.0.1")));
        assert!(network("10.1.2.3").contains(ip("10.1.2.3")) && !network("10.1.2.3").contains(ip("10.1.2.4")));
        assert!(network("10.1.2.3").contains(ip("::ffff:10.1.2.3")), "over an IPv6 socket");
        assert!(network("0.0.0.0/0").contains(ip("1.2.3.4")) && !network("0.0.0.0/0").contains(ip("::1")));
        assert!(network("2001:db8::/32").contains(ip("2001:db8:1::1")) && network("::/0").contains(ip("::1")));
        assert_eq!(String::from(network("2001:db8::/32")), "2001:db8::/32");
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0.0/x", "proxy"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn networks_are_a_list_or_a_text() {
        let read = |json: &str| one_or_many(&mut serde_json::Deserializer::from_str(json));
        assert_eq!(read(r#"["10.0.0.1", "::/0"]"#).unwrap(), read(r#""10.0.0.1, ::/0""#).unwrap());
        assert_eq!(read(r#""""#).unwrap(), []);
        assert!(read(r#""proxy""#).unwrap_err().to_string().contains("`proxy` is no IP address"));
    }

    #[test]
    fn a_client_of_ipv6_is_its_network() {
        assert_eq!(Address::of(ip("2001:db8::1")), Address::of(ip("2001:db8::2")));
        assert_ne!(Address::of(ip("2001:db8::1")), Address::of(ip("2001:db8:0:1::1")));
        assert_ne!(Address::of(ip("10.0.0.1")), Address::of(ip("10.0.0.2")));
    }

    #[test]
    fn the_last_hop_that_is_no_proxy_counts() {
        let behind = |values: &[&'static str]| {
            let headers =
                values.iter().map(|value| (http::HeaderName::from_static(FORWARDED), HeaderValue::from_static(value)));
            super::behind(&["10.0.0.0/8".parse().unwrap()], &headers.collect())
        };
        assert_eq!(behind(&[]), None);
        assert_eq!(behind(&["1.1.1.1, 2.2.2.2"]), Some(ip("2.2.2.2")), "what it wrote itself counts for nothing");
        assert_eq!(behind(&["1.1.1.1", "2.2.2.2,10.0.0.1"]), Some(ip("2.2.2.2")));
        assert_eq!(behind(&["1.1.1.1, unknown"]), None);
    }
}

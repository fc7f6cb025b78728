//! Which coordinator URLs a worker talks to.

use reqwest::Url;

/// A coordinator URL that is refused at start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Not a URL at all.
    #[error("worker.coordinator_url is not a URL")]
    Syntax,
    /// Neither `http` nor `https`, or with a query or credentials in it.
    #[error("worker.coordinator_url must be https://host[:port][/path] and nothing else")]
    Form,
    /// The hook credentials would cross the network in the clear.
    #[error(
        "worker.coordinator_url is plain http to another machine, where anybody on the way can read the hook \
         credentials: use https, or set worker.allow_plain_http = true where the network itself is private"
    )]
    PlainHttp,
}

/// Checks a coordinator's URL. Plain http is for the own machine, unless the
/// operator says otherwise.
///
/// # Errors
/// A sentence for the operator.
pub fn parse(text: &str, allow_plain_http: bool) -> Result<Url, InvalidAddress> {
    let url = Url::parse(text).map_err(|_| InvalidAddress::Syntax)?;
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    match url.scheme() {
        "http" | "https" if !bare || !url.has_host() => Err(InvalidAddress::Form),
        "https" => Ok(url),
        "http" if allow_plain_http || is_loopback(&url) => Ok(url),
        "http" => Err(InvalidAddress::PlainHttp),
        _ => Err(InvalidAddress::Form),
    }
}

/// Judged by the text alone: a name that only resolves to loopback today may
/// resolve elsewhere tomorrow. `localhost` never does (RFC 6761).
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_off_the_wire() {
        for fine in [
            "https://a.example",
            "https://a.example:1/path",
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:80",
            "http://localhost:1",
        ] {
            assert!(parse(fine, false).is_ok(), "{fine}");
        }
        for plain in [
            "http://a.example",
            "http://10.0.0.1",
            "http://localhost.example",
            "http://[::2]",
            "http://128.0.0.1",
            "http://127.0.0.1.example",
        ] {
            assert_eq!(parse(plain, false), Err(InvalidAddress::PlainHttp), "{plain}");
            assert!(parse(plain, true).is_ok(), "{plain}");
        }
        for bad in
            ["ftp://a", "file:///etc", "http://u:p@127.0.0.1", "http://127.0.0.1/?q", "https://a/#f", "unix:/run"]
        {
            assert_eq!(parse(bad, true), Err(InvalidAddress::Form), "{bad}");
        }
        assert_eq!(parse("127.0.0.1:80", true), Err(InvalidAddress::Syntax));
    }
}

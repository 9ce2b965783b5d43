//! Where lines go: a URL with its credentials taken out, and an index by Elasticsearch's rules of names.

use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::base64;

/// Where lines go.
#[derive(Clone)]
pub struct Target {
    /// The server, without credentials.
    pub url: Url,
    /// What goes into the Authorization header.
    pub authorization: Option<HeaderValue>,
    /// The index or data stream.
    pub index: String,
    /// Bodies are packed.
    pub gzip: bool,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} index {}", self.url, self.index)
    }
}

/// Elasticsearch's bound of an index name.
const LONGEST_INDEX_BYTES: usize = 255;

/// A target that is none.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not a URL of a server.
    #[error("--elasticsearch: {given:?} is no URL of a server: {reason}: write it as http://HOST:9200")]
    Url {
        /// What was given, without its password.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Not the name of an index.
    #[error("--index: {given:?} {reason}")]
    Index {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Understands the flags `--elasticsearch`, `--index` and `--gzip`.
///
/// # Errors
/// One sentence that names the flag and shows no password.
pub fn target(url: &str, index: String, gzip: bool) -> Result<Target, TargetError> {
    let given = url.rsplit_once('@').map_or_else(|| url.to_owned(), |(_, host)| format!("...@{host}"));
    let wrong = |reason: String| TargetError::Url { given: given.clone(), reason };
    let mut url: Url = url.parse().map_err(|error: <Url as std::str::FromStr>::Err| wrong(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("it begins neither with http:// nor with https://".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it ends in a query or a fragment".to_owned()));
    }
    let authorization = authorization(&url).map_err(|()| wrong("its user or password cannot be used".to_owned()))?;
    let taken_out = url.set_username("").and_then(|()| url.set_password(None));
    taken_out.map_err(|()| wrong("its user or password cannot be used".to_owned()))?;
    if let Some(reason) = wrong_index(&index) {
        return Err(TargetError::Index { given: index, reason });
    }
    Ok(Target { url, authorization, index, gzip })
}

fn authorization(url: &Url) -> Result<Option<HeaderValue>, ()> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let user = unescaped(url.username())?;
    let password = unescaped(url.password().unwrap_or_default())?;
    let mut value =
        HeaderValue::try_from(format!("Basic {}", base64(&[user.as_slice(), b":", &password].concat()))).map_err(|_| ())?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Undoes the percent signs of a URL's user or password.
fn unescaped(text: &str) -> Result<Vec<u8>, ()> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()));
        match escaped {
            None => (bytes.push(*first), rest = after).1,
            Some(digits) => {
                bytes.push(digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or(())?);
                rest = &after[2..];
            }
        }
    }
    Ok(bytes)
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let byte = |place: usize| part.get(place).copied().unwrap_or_default();
        let letters = base64::letters([byte(0), byte(1), byte(2)], base64::USUAL);
        text.extend(letters.iter().take(part.len() + 1).map(|letter| char::from(*letter)));
        text.extend(std::iter::repeat_n('=', 3 - part.len()));
    }
    text
}

fn wrong_index(name: &str) -> Option<&'static str> {
    let forbidden = |letter: char| letter.is_control() || letter.is_whitespace() || r#"\/*?"<>|,#:"#.contains(letter);
    if name.is_empty() {
        Some("is empty: name an index")
    } else if name.len() > LONGEST_INDEX_BYTES {
        Some("is longer than 255 bytes")
    } else if name.chars().any(char::is_uppercase) {
        Some("has upper-case letters, which Elasticsearch does not take: write it in lower case")
    } else if name.chars().any(forbidden) {
        Some(r#"has a blank or one of \ / * ? " < > | , # :, which Elasticsearch does not take"#)
    } else if name.starts_with(['-', '_', '+', '.']) {
        Some("starts with one of - _ + ., which Elasticsearch keeps for itself")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, index: &str, expected: Result<(&str, Option<&str>), &str>) {
        match (target(url, index.to_owned(), false), expected) {
            (Ok(Target { url, authorization, .. }), Ok(expected)) => {
                let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
                assert_eq!((url.as_str(), authorization.as_deref()), expected);
            }
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected) && !error.to_string().contains("secret"), "{error}")
            }
            (parsed, _) => panic!("{url} {index} gave {parsed:?}"),
        }
    }

    #[test]
    fn targets() {
        check("http://es:9200", "logs", Ok(("http://es:9200/", None)));
        check("https://[::1]/a/b", "logs-2026.11", Ok(("https://[::1]/a/b", None)));
        check("http://me:se%3Acret%40@es:9200", "logs", Ok(("http://es:9200/", Some("Basic bWU6c2U6Y3JldEA="))));
        check("http://me@es", "logs", Ok(("http://es/", Some("Basic bWU6"))));
    }

    #[test]
    fn what_is_none() {
        check("es:9200", "logs", Err("http://HOST:9200"));
        check("localhost", "logs", Err("relative URL"));
        check("ftp://me:secret@es", "logs", Err("neither with http://"));
        check("http://", "logs", Err("empty host"));
        check("http://es/?q=1", "logs", Err("query"));
        check("http://me:secret%zz@es", "logs", Err("cannot be used"));
        check("http://me:secret@es:port", "logs", Err("invalid port"));
        check("http://es", "", Err("--index: \"\" is empty"));
        check("http://es", "a b", Err("blank"));
        check("http://es", "_all", Err("starts with"));
        check("http://es", "Logs", Err("lower case"));
        check("http://es", &"x".repeat(256), Err("255"));
    }
}

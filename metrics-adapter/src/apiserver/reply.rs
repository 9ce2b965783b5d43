//! How answers are written: JSON, pretty for people, and what of the request decides that.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

/// Programs behind which a person sits, as Kubernetes knows them.
const PEOPLE: [&str; 3] = ["curl", "Wget", "Mozilla/5.0"];

/// How a client wants its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// With line breaks.
    pub pretty: bool,
    /// JSON is fine.
    pub takes_json: bool,
}

impl Wishes {
    /// The wishes of a request.
    pub fn of(request: &Request) -> Self {
        let query = request.uri().query().unwrap_or_default();
        Self { pretty: pretty(query, request.headers()), takes_json: takes_json(request.headers()) }
    }
}

/// `?pretty` decides if it is there, else who asks.
fn pretty(query: &str, headers: &HeaderMap) -> bool {
    let wish = query.split('&').find_map(|pair| match pair.split_once('=') {
        Some(("pretty", value)) => Some(!matches!(value, "0" | "false")),
        None if pair == "pretty" => Some(true),
        _ => None,
    });
    wish.unwrap_or_else(|| {
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        PEOPLE.iter().any(|person| agent.starts_with(person))
    })
}

/// Autoscalers and kubectl prefer protobuf and take anything; JSON as a table or as another kind is not spoken here.
fn takes_json(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if accepted.peek().is_none() {
        return true;
    }
    accepted.flat_map(|value| value.split(',')).any(|kind| {
        let mut parts = kind.split(';').map(str::trim);
        let is_json = matches!(parts.next(), Some("application/json" | "application/*" | "*/*" | ""));
        is_json && parts.all(|parameter| !parameter.starts_with("as=") && parameter != "q=0")
    })
}

/// `value` as the answer.
pub fn json(code: u16, value: &impl Serialize, wishes: &Wishes) -> Response {
    let text = if wishes.pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match text {
        Ok(text) => {
            let kind = (header::CONTENT_TYPE, "application/json");
            (status, [kind, super::NO_CACHE], Body::from(text + "\n")).into_response()
        }
        // Our documents hold neither maps with odd keys nor anything else that JSON cannot say.
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("cannot write the answer: {error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, headers: &[(&str, &str)]) -> Wishes {
        let builder = headers.iter().fold(Request::get(uri), |builder, (name, value)| builder.header(*name, *value));
        Wishes::of(&builder.body(Body::empty()).unwrap())
    }

    #[test]
    fn people_get_line_breaks() {
        let check = |uri: &str, agent: &str, expected: bool| {
            assert_eq!(request(uri, &[("user-agent", agent)]).pretty, expected, "{uri} {agent}")
        };
        check("/apis", "curl/8.1", true);
        check("/apis", "Mozilla/5.0 (X11)", true);
        check("/apis", "kube-controller-manager/v1.37", false);
        check("/apis?pretty", "x", true);
        check("/apis?a=b&pretty=true", "x", true);
        check("/apis?pretty=false", "curl/8.1", false);
        check("/apis?pretty=0", "curl/8.1", false);
    }

    #[test]
    fn json_is_the_only_format() {
        let check =
            |accept: &str, expected: bool| assert_eq!(request("/", &[("accept", accept)]).takes_json, expected, "{accept}");
        check("application/json", true);
        check("application/vnd.kubernetes.protobuf, */*", true);
        check("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", true);
        check("application/json;as=Table;v=v1;g=meta.k8s.io", false);
        check("application/vnd.kubernetes.protobuf", false);
        check("text/html,application/xhtml+xml,*/*;q=0.8", true);
        check("application/json;q=0", false);
        assert!(request("/", &[]).takes_json);
    }
}

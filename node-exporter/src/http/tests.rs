//! Requests to a router over this machine's own collectors.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use tower::ServiceExt as _;

use super::*;
use crate::flag::Flags;
use crate::host::{Host, Roots};

fn exporter(max_requests: usize) -> Arc<Exporter> {
    let scraper = Scraper::new(Host::new(Roots::machine()), &["loadavg", "uname"], &Flags::default()).unwrap();
    Arc::new(Exporter { scraper, requests: Requests::default(), max_requests, exporter_metrics: true })
}

async fn request(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    (head.status, head.headers, to_bytes(body, 1 << 20).await.unwrap().to_vec())
}

async fn get_text(router: &Router, path: &str) -> (u16, String) {
    let (status, _, body) = request(router, "GET", path, &[]).await;
    (status.as_u16(), String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn metrics_answer_with_their_content_type_and_count_themselves() {
    let router = router(exporter(40), "/metrics");
    for (method, before) in [("GET", 0), ("POST", 1)] {
        let (status, headers, body) = request(&router, method, "/metrics", &[]).await;
        let text = String::from_utf8(body).unwrap();
        assert_eq!((status, headers[header::CONTENT_TYPE].to_str().unwrap()), (StatusCode::OK, CONTENT_TYPE));
        for line in [
            &format!("promhttp_metric_handler_requests_total{{code=\"200\"}} {before}\n"),
            "promhttp_metric_handler_requests_in_flight 1\n",
            "# TYPE node_load1 gauge\n",
            "# TYPE process_open_fds gauge\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}

#[tokio::test]
async fn other_paths_are_as_upstream_has_them() {
    let router = router(exporter(40), "/metrics");
    assert!(get_text(&router, "/").await.1.contains("<a href=\"/metrics\">"));
    for (path, status) in [("/", 200), ("/-/healthy", 200), ("/-/ready", 200), ("/metrics/", 404), ("/none", 404)] {
        assert_eq!(get_text(&router, path).await.0, status, "{path}");
    }
    let everywhere = super::router(exporter(40), "/");
    for path in ["/", "/anything/else"] {
        assert!(get_text(&everywhere, path).await.1.contains("node_load1"), "{path}");
    }
    assert_eq!(get_text(&everywhere, "/-/healthy").await, (200, "Healthy\n".to_owned()));
}

#[tokio::test]
async fn filters_choose_collectors() {
    let router = router(exporter(40), "/metrics");
    for (query, loads, names) in [
        ("", true, true),
        ("?collect[]=loadavg", true, false),
        ("?collect%5B%5D=loadavg&collect%5B%5D=uname", true, true),
        ("?exclude[]=loadavg", false, true),
        ("?exclude[]=nonsense", true, true),
        ("?exclude[]=loadavg&exclude[]=uname", false, false),
        ("?other=1", true, true),
    ] {
        let (status, text) = get_text(&router, &format!("/metrics{query}")).await;
        assert_eq!((status, text.contains("node_load1 "), text.contains("node_uname_info{")), (200, loads, names), "{query}");
        assert!(text.contains("process_cpu_seconds_total"), "exporter metrics come with every filter");
    }
    for (query, expected) in [
        ("?collect[]=loadavg&exclude[]=uname", "Combined collect and exclude"),
        ("?collect[]=nonsense", "missing collector: there is none of this name: nonsense"),
        ("?collect[]=cpu", "disabled collector: it is not switched on by flags: cpu"),
    ] {
        let (status, text) = get_text(&router, &format!("/metrics{query}")).await;
        assert!(status == 400 && text.contains(expected), "{status} {text}");
    }
}

#[tokio::test]
async fn the_limit_refuses_and_says_why() {
    let exporter = exporter(1);
    let held = exporter.requests.begin(1);
    let router = router(Arc::clone(&exporter), "/metrics");
    assert_eq!(
        get_text(&router, "/metrics").await,
        (503, "Limit of concurrent requests reached (1), try again later.\n".to_owned())
    );
    assert_eq!(get_text(&router, "/-/healthy").await.0, 200);
    drop(held);
    let (status, text) = get_text(&router, "/metrics").await;
    assert!(status == 200 && text.contains("requests_total{code=\"503\"} 1\n"), "{text}");
}

#[tokio::test]
async fn gzip_is_sent_to_those_who_take_it() {
    use std::io::Read as _;
    let router = router(exporter(40), "/metrics");
    for (accepted, packed) in
        [("gzip", true), ("deflate, gzip;q=0.5", true), ("*", true), ("gzip;q=0", false), ("deflate", false), ("", false)]
    {
        let (_, headers, body) = request(&router, "GET", "/metrics", &[("accept-encoding", accepted)]).await;
        assert_eq!(headers.get(header::CONTENT_ENCODING).is_some(), packed, "{accepted}");
        let mut text = String::new();
        if packed {
            flate2::read::GzDecoder::new(body.as_slice()).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(body).unwrap();
        }
        assert!(text.contains("node_load1 "), "{accepted}");
    }
}

#[test]
fn prometheus_timeout_is_honoured_within_bounds() {
    let millis = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(TIMEOUT_HEADER, value.parse().unwrap());
        deadline(&headers).as_millis()
    };
    assert_eq!(deadline(&HeaderMap::new()), DEADLINE);
    for (value, expected) in
        [("10", 9500), ("2.5", 2000), ("0.2", 100), ("1e9", 120_000), ("-1", 5500), ("x", 5500), ("NaN", 5500), ("0", 5500)]
    {
        assert_eq!(millis(value), expected, "{value}");
    }
}

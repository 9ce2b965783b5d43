//! The whole adapter over HTTPS, with real targets over HTTP: what it answers while they count, restart, vanish and talk
//! rubbish.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what goes wrong fails the test")]

#[path = "api/world.rs"]
mod world;

use serde_json::{Value, json};
use world::{World, eventually};

const CUSTOM: &str = "/apis/custom.metrics.k8s.io/v1beta1";
const SERVICE: &str = "/namespaces/default/services/app/http_requests";

fn milli(value: &Value) -> i64 {
    metrics_api::Quantity::parse(value.as_str().unwrap()).unwrap().milli_value()
}

#[tokio::test]
async fn a_rising_counter_is_a_rate_with_the_time_and_window_of_its_samples() {
    let world = World::start(&["a", "b"]).await;
    world.each(|target| target.rises("http_requests_total{code=\"200\"}", 1000.0, 100.0));
    // Two replicas with a hundred requests a second each, once the samples fill the four seconds of the rule.
    let item = eventually("200 a second", async || {
        let (code, list) = world.get(&format!("{CUSTOM}{SERVICE}")).await;
        let item = list["items"][0].clone();
        (code == 200 && (190_000..=210_000).contains(&milli(&item["value"]))).then_some(item)
    })
    .await;
    assert_eq!(item["describedObject"], json!({"kind":"Service","namespace":"default","name":"app","apiVersion":"/v1"}));
    assert_eq!((&item["metricName"], &item["selector"]), (&json!("http_requests"), &Value::Null));
    assert!((2..=4).contains(&item["window"].as_i64().unwrap()), "{item}");
    let time: jiff::Timestamp = item["timestamp"].as_str().unwrap().parse().unwrap();
    let age = jiff::Timestamp::now().as_second() - time.as_second();
    assert!((0..=5).contains(&age), "{item} is {age} s old");
}

#[tokio::test]
async fn both_versions_and_the_alias_answer_under_every_spelling() {
    let world = World::start(&["a"]).await;
    world.each(|target| target.says("http_requests_total 5\nqueue_length 7\n"));
    world.ready().await;
    for resource in ["services", "service", "services."] {
        let (code, list) = world.get(&format!("{CUSTOM}/namespaces/default/{resource}/app/queue_length")).await;
        assert_eq!((code, &list["items"][0]["value"]), (200, &json!("7")), "{resource}");
        assert_eq!(list["items"][0].get("window"), None, "a single sample covers nothing: {list}");
    }
    let (_, list) = world.get("/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/%2A/queue_length").await;
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("MetricValueList"), &json!("custom.metrics.k8s.io/v1beta2")));
    assert_eq!(list["items"][0]["metric"], json!({"name":"queue_length","selector":null}));
    assert_eq!(list["items"][0]["describedObject"]["name"], json!("a"));
    let (_, list) = world.get("/apis/custom-metrics.metrics.k8s.io/v1beta1/namespaces/default/metrics/queue_length").await;
    assert_eq!(list["apiVersion"], json!("custom-metrics.metrics.k8s.io/v1beta1"));
    assert_eq!(list["items"][0]["describedObject"], json!({"kind":"Namespace","name":"default","apiVersion":"/v1"}));
}

#[tokio::test]
async fn discovery_lists_what_there_is_in_order() {
    let world = World::start(&["a"]).await;
    world.each(|target| target.says("http_requests_total 5\nqueue_length 7\nother 1\n"));
    world.ready().await;
    let (_, groups) = world.get("/apis").await;
    let names: Vec<&str> = groups["groups"].as_array().unwrap().iter().filter_map(|group| group["name"].as_str()).collect();
    assert_eq!(names, ["custom-metrics.metrics.k8s.io", "custom.metrics.k8s.io"]);
    let (_, group) = world.get("/apis/custom.metrics.k8s.io/").await;
    assert_eq!((&group["kind"], &group["versions"][1]["version"]), (&json!("APIGroup"), &json!("v1beta2")));
    let (_, list) = world.get(CUSTOM).await;
    let names: Vec<&str> =
        list["resources"].as_array().unwrap().iter().filter_map(|resource| resource["name"].as_str()).collect();
    let expected = ["namespaces", "pods", "services"];
    let expected: Vec<String> =
        expected.iter().flat_map(|kind| ["http_requests", "queue_length"].map(|metric| format!("{kind}/{metric}"))).collect();
    assert_eq!(names, expected);
    assert_eq!(list["resources"][0]["namespaced"], json!(false));
    let (code, version) = world.get("/version").await;
    assert_eq!((code, version["gitVersion"].as_str().unwrap().starts_with('v')), (200, true));
}

#[tokio::test]
async fn a_restarted_counter_does_not_count_backwards() {
    let world = World::start(&["a"]).await;
    for total in [100, 110, 5, 25] {
        world.each(|target| target.says(&format!("http_requests_total {total}\n")));
        world.scraped_again().await;
        let (code, list) = world.get(&format!("{CUSTOM}{SERVICE}")).await;
        assert!(code == 404 || milli(&list["items"][0]["value"]) >= 0, "{list}");
    }
    // 10 before the restart, 5 after it, 20 more: none of that is negative, and all of it is within the four seconds of the rule.
    let (_, list) = world.get("/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/pods/a/http_requests").await;
    assert!(milli(&list["items"][0]["value"]) > 0, "{list}");
}

#[tokio::test]
async fn a_vanished_target_has_no_value_and_its_neighbour_has() {
    let world = World::start(&["a", "b"]).await;
    world.each(|target| target.says("queue_length 7\n"));
    world.ready().await;
    let names = async || {
        let (_, list) = world.get(&format!("{CUSTOM}/namespaces/default/pods/*/queue_length")).await;
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["describedObject"]["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["a", "b"]);
    world.discover(&["b"]);
    eventually("a is gone", async || (names().await == ["b"]).then_some(())).await;
    let (code, status) = world.get(&format!("{CUSTOM}/namespaces/default/pods/a/queue_length")).await;
    assert_eq!((code, &status["reason"]), (404, &json!("NotFound")));
    assert_eq!(status["message"], json!("the server could not find the metric queue_length for pods a"));
    assert_eq!(world.text("/readyz").await, (200, "ok".to_owned()));
}

#[tokio::test]
async fn rubbish_costs_that_target_only_and_is_said_where() {
    let world = World::start(&["a", "b"]).await;
    world.each(|target| target.says("queue_length 7\n"));
    world.ready().await;
    let value = async |pod: &str| world.get(&format!("{CUSTOM}/namespaces/default/pods/{pod}/queue_length")).await.0;
    world.target("a", |target| target.says("queue_length 8\n<html>\n"));
    eventually("a has ended", async || (value("a").await == 404).then_some(())).await;
    assert_eq!((value("b").await, world.text("/readyz").await.0), (200, 200));
    world.target("b", |target| target.says_bytes(b"\x00\xff\xfe binary"));
    let reason = eventually("nothing can be scraped", async || {
        let (code, reason) = world.text("/readyz").await;
        (code == 503).then_some(reason)
    })
    .await;
    assert!(reason.contains("none of 2 targets can be scraped") && reason.contains("/a: line 2: "), "{reason}");
    world.each(|target| target.says("queue_length 9\n"));
    eventually("a is back", async || (value("a").await == 200).then_some(())).await;
    world.ready().await;
    world.target("a", |target| target.fails(500));
    eventually("a has ended", async || (value("a").await == 404).then_some(())).await;
}

#[tokio::test]
async fn without_discovery_the_targets_of_before_stay() {
    let world = World::start(&["a"]).await;
    world.each(|target| target.says("queue_length 7\n"));
    world.ready().await;
    world.break_discovery();
    let reason = eventually("discovery is troubled", async || {
        let (code, reason) = world.text("/readyz").await;
        (code == 503).then_some(reason)
    })
    .await;
    assert!(
        reason.starts_with("cannot discover targets at http://127.0.0.1:") && reason.contains("not a list of target groups"),
        "{reason}"
    );
    world.each(|target| target.says("queue_length 8\n"));
    eventually("the new value", async || {
        let (_, list) = world.get(&format!("{CUSTOM}/namespaces/default/pods/a/queue_length")).await;
        (list["items"][0]["value"] == json!("8")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn failures_are_statuses() {
    let world = World::start(&["a"]).await;
    world.each(|target| target.says("queue_length NaN\n"));
    world.ready().await;
    let check = async |path: &str, code: u16, message: &str| {
        let (answered, status) = world.get(&format!("{CUSTOM}{path}")).await;
        assert_eq!((answered, &status["kind"], &status["code"]), (code, &json!("Status"), &json!(code)), "{path}: {status}");
        assert!(status["message"].as_str().unwrap().contains(message), "{path}: {status}");
    };
    check("/namespaces/default/pods/a/nothing", 404, "the server could not find the metric nothing for pods").await;
    check("/namespaces/default/unicorns/a/queue_length", 404, "could not find the metric queue_length for unicorns").await;
    check("/namespaces/default/nodes/a/queue_length", 404, "could not find the metric queue_length for nodes").await;
    check("/pods/a/queue_length", 404, "could not find the metric queue_length for pods").await;
    check("/namespaces/default/pods/b/queue_length", 404, "could not find the metric queue_length for pods b").await;
    check("/namespaces/other/pods/*/queue_length", 404, "could not find the metric queue_length for pods").await;
    check("/namespaces/default/pods/a/queue_length", 404, "queue_length for pods a: its value is not a number").await;
    check("/namespaces/default/pods/a%22%7D/queue_length", 404, "for pods a\"}").await;
    check("/namespaces/default/x", 400, "invalid request path").await;
    check("/namespaces/default/pods/*/queue_length?labelSelector=a===b", 400, "labelSelector: unable to parse").await;
    check("/namespaces/default/pods/a/queue_length?metricLabelSelector=a-b=c", 400, "'a-b' is not the name of a metric's label")
        .await;
    check("/namespaces/default/pods/a/queue_length?metricLabelSelector=a%3E1", 400, "'>' is not supported").await;
    assert_eq!(world.text("/apis/custom.metrics.k8s.io/v1").await, (404, "404 page not found\n".to_owned()));
    assert_eq!(world.text("/apis/apps/v1").await.0, 404);
    let url = world.url(CUSTOM);
    let refused = world.client.post(&url).send().await.unwrap();
    assert_eq!(refused.status(), 405);
    assert_eq!(refused.json::<Value>().await.unwrap()["reason"], json!("MethodNotAllowed"));
    let refused = world.client.get(&url).header("accept", "application/vnd.kubernetes.protobuf").send().await.unwrap();
    assert_eq!(refused.status(), 406);
    assert_eq!(refused.json::<Value>().await.unwrap()["reason"], json!("NotAcceptable"));
}

#[tokio::test]
async fn selectors_choose_among_the_series_of_a_metric() {
    let world = World::start(&["a"]).await;
    world.each(|target| target.says("queue_length{queue=\"x\"} 1\nqueue_length{queue=\"y\"} 2\nqueue_length 4\n"));
    world.ready().await;
    let check = async |selector: &str, expected: &str| {
        let path = format!("{CUSTOM}/namespaces/default/services/app/queue_length?metricLabelSelector={selector}");
        let (code, list) = world.get(&path).await;
        assert_eq!((code, list["items"][0]["value"].as_str()), (200, Some(expected)), "{selector}: {list}");
        list["items"][0]["selector"].clone()
    };
    assert_eq!(check("", "7").await, Value::Null);
    assert_eq!(check("queue%3Dx", "1").await, json!({"matchLabels":{"queue":"x"}}));
    check("queue!=x", "6").await;
    check("queue%20in%20(x,y)", "3").await;
    check("queue%20notin%20(x,y)", "4").await;
    check("queue", "3").await;
    check("!queue", "4").await;
}

#[tokio::test]
async fn it_measures_itself_and_writes_for_people() {
    let world = World::start(&["a"]).await;
    world.each(|target| target.says("queue_length 7\n"));
    world.ready().await;
    world.get(&format!("{CUSTOM}/namespaces/default/pods/a/queue_length")).await;
    let (code, text) = world.text("/metrics").await;
    assert_eq!(code, 200);
    for line in [
        "metrics_adapter_scrapes_total{result=\"success\"}",
        "metrics_adapter_targets 1",
        "metrics_adapter_metrics 3",
        "metrics_adapter_queries_total{result=\"success\"} 1",
        "metrics_adapter_query_duration_seconds_count 1",
        "metrics_adapter_http_requests_total{code=\"200\"}",
    ] {
        assert!(text.contains(line), "{line} is missing:\n{text}");
    }
    let answer = world.client.get(world.url("/apis")).header("user-agent", "curl/8.0").send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-cache, private");
    assert!(answer.text().await.unwrap().contains("\n  \"kind\": \"APIGroupList\""));
    assert_eq!((world.text("/healthz").await.0, world.text("/livez").await.0), (200, 200));
}

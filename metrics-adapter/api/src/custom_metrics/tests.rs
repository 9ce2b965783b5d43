//! The documents, letter by letter.

use super::*;
use crate::{Quantity, Time};

fn service() -> ObjectReference {
    ObjectReference {
        kind: "Service".to_owned(),
        namespace: "default".to_owned(),
        name: "sample-metrics-app".to_owned(),
        api_version: "/v1".to_owned(),
    }
}

#[test]
fn a_list_of_v1beta1_reads_as_the_reference_adapter_writes_it() {
    let value = v1beta1::MetricValue {
        described_object: service(),
        metric_name: "http_requests".to_owned(),
        timestamp: Time::from_millis(1_795_502_400_000),
        window_seconds: Some(115),
        value: Quantity::from_milli(501_484),
        selector: None,
    };
    let list = v1beta1::MetricValueList::new(GROUP, vec![value]);
    let text = serde_json::to_string(&list).unwrap();
    let expected = concat!(
        r#"{"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta1","metadata":{},"items":[{"describedObject":"#,
        r#"{"kind":"Service","namespace":"default","name":"sample-metrics-app","apiVersion":"/v1"},"metricName":"http_requests","#,
        r#""timestamp":"2026-11-24T06:40:00Z","window":115,"value":"501484m","selector":null}]}"#,
    );
    assert_eq!(text, expected);
    assert_eq!(serde_json::from_str::<v1beta1::MetricValueList>(&text).unwrap(), list);
}

#[test]
fn a_list_of_v1beta2_reads_as_the_reference_adapter_writes_it() {
    let value = v1beta2::MetricValue {
        described_object: service(),
        metric: v1beta2::MetricIdentifier { name: "http_requests".to_owned(), selector: None },
        timestamp: Time::from_millis(1_795_502_400_000),
        window_seconds: None,
        value: Quantity::from_milli(100_000),
    };
    let list = v1beta2::MetricValueList::new(GROUP, vec![value]);
    let text = serde_json::to_string(&list).unwrap();
    let expected = concat!(
        r#"{"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta2","metadata":{},"items":[{"describedObject":"#,
        r#"{"kind":"Service","namespace":"default","name":"sample-metrics-app","apiVersion":"/v1"},"#,
        r#""metric":{"name":"http_requests","selector":null},"timestamp":"2026-11-24T06:40:00Z","value":"100"}]}"#,
    );
    assert_eq!(text, expected);
    assert_eq!(serde_json::from_str::<v1beta2::MetricValueList>(&text).unwrap(), list);
}

#[test]
fn optional_fields_may_be_absent_and_unknown_ones_present() {
    let text = r#"{"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta2","items":[
        {"describedObject":{"kind":"Service"},"metric":{"name":"x"},"timestamp":"2026-11-24T06:40:00Z","value":"1k","new":1}]}"#;
    let list: v1beta2::MetricValueList = serde_json::from_str(text).unwrap();
    assert_eq!(list.items[0].value, Quantity::from_milli(1_000_000));
}

//! Sources and what is indexed of them.

use super::*;

fn check(source: &str, expected: Result<(i64, Option<&str>, Option<&str>), &str>) {
    match (Document::parse(source), expected) {
        (Ok(document), Ok((timestamp, message, pod))) => {
            let text = |text: Option<Text<'_>>| text.map(|Text(text)| text.into_owned());
            assert_eq!(document.timestamp.0, timestamp, "{source}");
            assert_eq!(text(document.message).as_deref(), message, "{source}");
            assert_eq!(text(document.kubernetes.and_then(|kubernetes| kubernetes.pod)).as_deref(), pod, "{source}");
        }
        (Err(error), Err(expected)) => assert!(error.contains(expected), "{source}: {error}"),
        (document, _) => panic!("{source} gave {document:?}"),
    }
}

#[test]
fn sources() {
    check(r#"{"@timestamp":"1970-01-01T00:00:01.000000002Z"}"#, Ok((1_000_000_002, None, None)));
    check(r#"{"@timestamp":"1970-01-01T02:00:00+02:00","message":"a\nb","extra":[{}]}"#, Ok((0, Some("a\nb"), None)));
    check(
        r#"{"@timestamp":1500,"message":7,"kubernetes":{"pod":"p","labels":{"a":"b"}}}"#,
        Ok((1_500_000_000, Some("7"), Some("p"))),
    );
    check(r#"{"@timestamp":"1500","message":null,"kubernetes":null}"#, Ok((1_500_000_000, None, None)));
    check(r#"{"message":"a"}"#, Err("missing field `@timestamp`"));
    check(r#"{"@timestamp":"yesterday"}"#, Err("\"yesterday\" is neither RFC 3339 nor"));
    check(r#"{"@timestamp":"9999-01-01T00:00:00Z"}"#, Err("neither RFC 3339"));
    check(r#"{"@timestamp":1,"message":{"a":1}}"#, Err("expected a string, number or truth value"));
    check(r#"{"@timestamp":1,"kubernetes":"pod"}"#, Err("invalid type: string \"pod\""));
    check(r#"{"@timestamp":1,"message":"a""#, Err("EOF"));
    check("[1]", Err("invalid"));
    check("", Err("EOF"));
}

#[test]
fn a_key_comes_apart_at_the_index_name() {
    assert_eq!(split_key(&key("logs", "a/b")), ("logs", "a/b"));
}

#[test]
fn every_searchable_field_is_in_the_schema() {
    let (schema, fields) = schema();
    for name in SEARCHABLE {
        assert_eq!(fields.find(name).map(|(field, _)| field), schema.get_field(name).ok(), "{name}");
    }
    assert_eq!(fields.find("log.offset"), None);
}

//! Bulk bodies taken apart, and verdicts put together.

use proptest::prelude::*;

use super::*;

/// Each item as `action index id source`, with `!kind` for a source that is refused.
fn check(body: &str, default_index: Option<&str>, expected: Result<&[&str], &str>) {
    match (parse(body.as_bytes(), default_index), expected) {
        (Ok(items), Ok(expected)) => {
            let shown: Vec<String> = items.iter().map(show).collect();
            assert_eq!(shown, expected, "{body}");
        }
        (Err(failure), Err(expected)) => {
            assert_eq!(failure.status, StatusCode::BAD_REQUEST);
            assert!(failure.reason.contains(expected), "{body}: {failure:?}");
        }
        (parsed, _) => panic!("{body:?} gave {parsed:?}"),
    }
}

fn show(item: &Item<'_>) -> String {
    let source = match &item.source {
        Ok(source) => (*source).to_owned(),
        Err(failure) => format!("!{}", failure.kind),
    };
    format!("{} {} {} {source}", item.action.name(), item.index, item.id.as_deref().unwrap_or("-"))
}

#[test]
fn bodies() {
    check("{\"create\":{\"_id\":\"1\"}}\n{}\n", Some("logs"), Ok(&["create logs 1 {}"]));
    check("{\"index\":{\"_index\":\"b\",\"routing\":\"x\"}}\r\n{\"a\":1}\n\n", Some("a"), Ok(&["index b - {\"a\":1}"]));
    check("{\"index\":{}}\nrubbish\n{\"create\":{}}\n{}\n", Some("a"), Ok(&["index a - rubbish", "create a - {}"]));
    check("{\"index\":{}}\n{}\n", None, Ok(&["index  - !invalid_index_name_exception"]));
    check("{\"index\":{}}\n{}\n", Some("Logs"), Ok(&["index Logs - !invalid_index_name_exception"]));
    check("{\"index\":{\"_id\":\"\"}}\n{}\n", Some("a"), Ok(&["index a  !illegal_argument_exception"]));
    check("", Some("a"), Err("empty"));
    check("{\"index\":{}}\n{}", Some("a"), Err("must end with a line end"));
    check("{\"index\":{}}\n", Some("a"), Err("line 1 is no bulk action: its source line is missing"));
    check("\n{\"delete\":{\"_id\":\"1\"}}\n", Some("a"), Err("line 2 is no bulk action: unknown variant `delete`"));
    check("rubbish\n", Some("a"), Err("line 1 is no bulk action"));
}

#[test]
fn a_source_that_is_no_utf8_fails_alone() {
    let items = parse(b"{\"index\":{}}\n\"\xff\"\n{\"index\":{}}\n{}\n", Some("a")).unwrap();
    assert_eq!(items.iter().map(|item| item.source.is_ok()).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn answers() {
    let verdict = |outcome| Verdict { action: Action::Create, index: "logs".into(), id: "1".into(), outcome };
    let shown = |outcome| {
        let answer: serde_json::Value = serde_json::from_slice(&answer(&[verdict(outcome)], Duration::from_millis(3))).unwrap();
        let item = &answer["items"][0]["create"];
        (answer["errors"].as_bool().unwrap(), item["status"].as_u64().unwrap(), item["error"]["type"].as_str().map(str::to_owned))
    };
    assert_eq!(shown(Outcome::Created), (false, 201, None));
    assert_eq!(shown(Outcome::Updated), (false, 200, None));
    assert_eq!(shown(Outcome::Conflict), (true, 409, Some("version_conflict_engine_exception".into())));
    assert_eq!(shown(Outcome::Failed(Failure::unavailable("full"))), (true, 503, Some("unavailable_exception".into())));
}

proptest! {
    #[test]
    fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _parsed = parse(&body, Some("a"));
    }

    #[test]
    fn no_mixture_of_lines_panics(lines in proptest::collection::vec("(\\{\"(index|create|delete)\":\\{(\"_id\":\"[a-z]*\")?\\}\\}|.{0,10})", 0..8)) {
        let body = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        let _parsed = parse(body.as_bytes(), None);
    }
}

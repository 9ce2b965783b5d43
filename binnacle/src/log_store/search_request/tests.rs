//! Parameters and bodies of searches.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::log_store::document::schema;

fn read_one(indices: Option<&str>, parameters: &str, body: &str) -> Result<SearchRequest, Failure> {
    let pairs: Vec<(String, String)> = parameters
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let language = Language::new(schema().1, Timestamp::UNIX_EPOCH);
    SearchRequest::search(indices, &pairs, body.as_bytes(), &language)
}

fn check(parameters: &str, body: &str, expected: Result<(usize, usize, Order, bool), &str>) {
    match (read_one(None, parameters, body), expected) {
        (Ok(read), Ok(expected)) => {
            assert_eq!((read.from, read.size, read.order, read.source), expected, "{parameters} {body}");
        }
        (Err(failure), Err(expected)) => assert!(failure.reason.contains(expected), "{parameters} {body}: {failure:?}"),
        (read, _) => panic!("{parameters} {body} gave {read:?}"),
    }
}

#[test]
fn options() {
    use Order::{Asc, Desc};
    check("", "", Ok((0, 10, Desc, true)));
    check("size=3&from=4&pretty=true&_source=false", " ", Ok((4, 3, Desc, false)));
    check("", r#"{"size":3,"from":4,"_source":false,"track_total_hits":true,"timeout":"1s"}"#, Ok((4, 3, Desc, false)));
    check("size=3", r#"{"size":4}"#, Ok((0, 3, Desc, true)));
    check("sort=@timestamp:asc", "", Ok((0, 10, Asc, true)));
    check("sort=@timestamp", "", Ok((0, 10, Asc, true)));
    check("", r#"{"sort":"@timestamp"}"#, Ok((0, 10, Asc, true)));
    check("", r#"{"sort":{"@timestamp":"desc"}}"#, Ok((0, 10, Desc, true)));
    check("", r#"{"sort":[{"@timestamp":{"order":"asc","unmapped_type":"date"}}]}"#, Ok((0, 10, Asc, true)));
    check("", r#"{"sort":[]}"#, Ok((0, 10, Desc, true)));
    check("", r#"{"sort":["@timestamp","_doc"]}"#, Err("one field only"));
    check("", r#"{"sort":[[["@timestamp"]]]}"#, Err("one field only"));
    check("", r#"{"sort":{"_score":"desc"}}"#, Err("\"_score\" is not possible"));
    check("", r#"{"sort":{"@timestamp":"down"}}"#, Err("asc or desc"));
    check("size=many", "", Err("parameter [size] is \"many\", not a number"));
    check("size=-1", "", Err("not a number"));
    check("from=9999&size=2", "", Err("at most 10000"));
    check("size=18446744073709551615&from=18446744073709551615", "", Err("at most 10000"));
    check("default_operator=XOR", "", Err("not AND or OR"));
    check("q=a", r#"{"query":{"match_all":{}}}"#, Err("leave one out"));
    check("scroll=1m", "", Err("[scroll]"));
    check("", r#"{"size":"three"}"#, Err("expected usize"));
    check("", r#"{"highlight":{}}"#, Err("unknown field `highlight`"));
    check("", "{} {}", Err("trailing characters"));
}

#[test]
fn index_names() {
    for (names, expected) in [
        ("_all", Ok(())),
        ("logs,*", Ok(())),
        ("logs", Ok(())),
        ("logs,more-*", Ok(())),
        ("logs,", Err("empty index name")),
        ("logs,-more", Err("leaving out")),
    ] {
        let read = read_one(Some(names), "", "");
        match (read, expected) {
            (Ok(read), Ok(())) => assert_eq!(read.query.is::<AllQuery>(), names.contains("_all") || names.contains(",*")),
            (Err(failure), Err(expected)) => assert!(failure.reason.contains(expected), "{names}: {failure:?}"),
            (read, _) => panic!("{names} gave {read:?}"),
        }
    }
}

proptest! {
    #[test]
    fn no_request_panics(indices in "[a*,_-]{0,8}", parameters in "(q|size|sort|from)=.{0,8}", body in "[\\[\\]{}\":,a-z@0-9]{0,40}") {
        let _read = read_one(Some(&indices), &parameters, &body);
    }
}

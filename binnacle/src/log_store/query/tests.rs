//! Queries on a small index: which documents each finds, or why it is refused.

use std::sync::LazyLock;

use jiff::Timestamp;
use proptest::prelude::*;
use tantivy::collector::DocSetCollector;
use tantivy::{Index, IndexWriter, Searcher};

use super::*;
use crate::log_store::document::{self, Document, Fields};

/// The lines of the index; each one's number is its time in seconds, save that the last has no pod.
const LINES: [(&str, &str); 6] = [
    ("web-1", "GET /api/items took 7 ms"),
    ("web-1", "POST /api/items: Connection refused by 10.0.0.1:5432"),
    ("web-2", "connection closed, connected again"),
    ("db-1", "ERROR user=root-a disk full"),
    ("db-1", "error user*x [warn] C:\\temp"),
    ("", "ünïcode ERROR"),
];

/// An index in memory.
pub struct Library {
    searcher: Searcher,
    fields: Fields,
}

/// Made once; nothing changes it.
pub static LIBRARY: LazyLock<Library> = LazyLock::new(Library::new);

impl Library {
    /// With the lines above.
    fn new() -> Self {
        let (schema, fields) = document::schema();
        let mut index = Index::create_in_ram(schema);
        index.set_tokenizers(document::tokenizers());
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
        for (number, (pod, message)) in LINES.iter().enumerate() {
            let kubernetes = if pod.is_empty() { serde_json::json!({}) } else { serde_json::json!({ "pod": pod }) };
            let time = format!("1970-01-01T00:00:0{number}.5Z");
            let source = serde_json::json!({ "@timestamp": time, "message": message, "kubernetes": kubernetes }).to_string();
            let document = Document::parse(&source).unwrap().into_tantivy(&fields, &format!("logs/{number}"), "logs", &source);
            writer.add_document(document).unwrap();
        }
        writer.commit().unwrap();
        Self { searcher: index.reader().unwrap().searcher(), fields }
    }

    /// The numbers of the lines that a query finds.
    pub fn find(&self, build: impl FnOnce(&Language) -> Result<Box<dyn Query>, Failure>) -> Result<String, Failure> {
        let query = build(&Language::new(self.fields, Timestamp::from_second(4).unwrap()))?;
        let mut found: Vec<u32> =
            self.searcher.search(&query, &DocSetCollector).unwrap().into_iter().map(|address| address.doc_id).collect();
        found.sort_unstable();
        assert_eq!(query.count(&self.searcher).unwrap(), found.len());
        Ok(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    /// Checks a query that is found, or a reason that begins with `!`.
    pub fn check(&self, query: &str, found: Result<String, Failure>, expected: &str) {
        match (found, expected.strip_prefix('!')) {
            (Ok(found), None) => assert_eq!(found, expected, "{query}"),
            (Err(failure), Some(reason)) => {
                assert!(failure.reason.contains(reason) && failure.status == 400, "{query}: {failure:?}");
            }
            (found, _) => panic!("{query} gave {found:?}"),
        }
    }
}

fn find(text: &str) -> Result<String, Failure> {
    let query: JsonQuery = serde_json::from_str(text).map_err(|error| Failure::parsing(error.to_string()))?;
    LIBRARY.find(|language| query.build(language))
}

#[test]
fn json_queries() {
    for (text, expected) in [
        (r#"{"match_all":{}}"#, "0 1 2 3 4 5"),
        (r#"{"match_none":{}}"#, ""),
        (r#"{"term":{"kubernetes.pod":"web-1"}}"#, "0 1"),
        (r#"{"term":{"kubernetes.pod.keyword":{"value":"web-1"}}}"#, "0 1"),
        (r#"{"term":{"message":"error"}}"#, "3 4 5"),
        (r#"{"term":{"message":"ERROR"}}"#, ""),
        (r#"{"term":{"message":7}}"#, "0"),
        (r#"{"term":{"@timestamp":"1970-01-01T00:00:02.500Z"}}"#, "2"),
        (r#"{"terms":{"kubernetes.pod":["web-2","db-1","none"]}}"#, "2 3 4"),
        (r#"{"terms":{"@timestamp":[500,"1970-01-01T00:00:01.5Z"]}}"#, "0 1"),
        (r#"{"terms":{"kubernetes.pod":[]}}"#, ""),
        (r#"{"match":{"message":"Error POST"}}"#, "1 3 4 5"),
        (r#"{"match":{"message":{"query":"error full","operator":"and"}}}"#, "3"),
        (r#"{"match":{"message":" - "}}"#, ""),
        (r#"{"match":{"kubernetes.pod":"web-1"}}"#, "0 1"),
        (r#"{"match_phrase":{"message":"api items took"}}"#, "0"),
        (r#"{"match_phrase":{"message":"api took"}}"#, ""),
        (r#"{"match_phrase":{"message":{"query":"api took","slop":1}}}"#, "0"),
        (r#"{"prefix":{"message":"connect"}}"#, "1 2"),
        (r#"{"prefix":{"kubernetes.pod":{"value":"web-"}}}"#, "0 1 2"),
        (r#"{"wildcard":{"kubernetes.pod":"*-1"}}"#, "0 1 3 4"),
        (r#"{"wildcard":{"message":"CONNECT?D"}}"#, "2"),
        (r#"{"range":{"@timestamp":{"gte":"1970-01-01T00:00:01.500Z","lt":4500}}}"#, "1 2 3"),
        (r#"{"range":{"@timestamp":{"gt":"1970-01-01T00:00:01.500Z","lte":4500}}}"#, "2 3 4"),
        (r#"{"range":{"@timestamp":{"gte":"now-2s"}}}"#, "2 3 4 5"),
        (r#"{"range":{"@timestamp":{"lte":"1970-01-01"}}}"#, "0 1 2 3 4 5"),
        (r#"{"range":{"@timestamp":{"gt":"1970-01-01"}}}"#, ""),
        (r#"{"range":{"@timestamp":{}}}"#, "0 1 2 3 4 5"),
        (r#"{"exists":{"field":"kubernetes.pod"}}"#, "0 1 2 3 4"),
        (r#"{"exists":{"field":"@timestamp"}}"#, "0 1 2 3 4 5"),
        (r#"{"query_string":{"query":"error full","default_operator":"AND"}}"#, "3"),
        (r#"{"query_string":{"query":"web-2","default_field":"kubernetes.pod","analyze_wildcard":true}}"#, "2"),
        (r#"{"bool":{}}"#, "0 1 2 3 4 5"),
        (r#"{"bool":{"must":{"term":{"message":"error"}},"filter":[{"term":{"kubernetes.pod":"db-1"}}]}}"#, "3 4"),
        (r#"{"bool":{"should":[{"term":{"message":"ms"}},{"term":{"message":"full"}}]}}"#, "0 3"),
        (r#"{"bool":{"must":[{"match_all":{}}],"should":[{"term":{"message":"ms"}}]}}"#, "0 1 2 3 4 5"),
        (r#"{"bool":{"must":[{"match_all":{}}],"should":[{"term":{"message":"ms"}}],"minimum_should_match":1}}"#, "0"),
        (r#"{"bool":{"must_not":[{"term":{"message":"error"}}]}}"#, "0 1 2"),
        (
            r#"{"bool":{"must_not":{"term":{"message":"error"}},"should":[{"term":{"message":"ms"}},{"term":{"message":"warn"}}]}}"#,
            "0",
        ),
        (r#"{"bool":{"should":[{"term":{"message":"ms"}}],"minimum_should_match":0}}"#, "0 1 2 3 4 5"),
        (r#"{"bool":{"should":[{"term":{"message":"ms"}}],"minimum_should_match":2}}"#, ""),
    ] {
        LIBRARY.check(text, find(text), expected);
    }
}

#[test]
fn json_queries_that_are_refused() {
    for (text, expected) in [
        (r#"{"fuzzy":{"message":"x"}}"#, "!unknown variant `fuzzy`, expected one of `match_all`"),
        (r#"{"bool":{"must":[{"bool":{"filter":{"nested":{}}}}]}}"#, "!unknown variant `nested`"),
        (r#"{"bool":{"must":"x"}}"#, "!a query or an array of queries"),
        (r#"{"bool":{"musst":[]}}"#, "!unknown field `musst`"),
        (r#"{"bool":{"should":[],"minimum_should_match":"75%"}}"#, "!understood as a number"),
        (r#"{"term":{"kubernetes.pod":"a","stream":"b"}}"#, "!exactly one field"),
        (r#"{"term":{}}"#, "!exactly one field"),
        (r#"{"term":{"stream":{"value":"a","boost":2}}}"#, "!a value or {\"value\": ...} is wanted"),
        (r#"{"term":{"level":"error"}}"#, "!no field \"level\" can be searched: there are message, stream,"),
        (r#"{"range":{"message":{"gte":"a"}}}"#, "!for @timestamp only"),
        (r#"{"range":{"@timestamp":{"gte":"soon"}}}"#, "!\"soon\" is no time"),
        (r#"{"range":{"@timestamp":{"gte":1,"gt":1}}}"#, "!one of gt and gte"),
        (r#"{"range":{"@timestamp":{"from":1}}}"#, "!unknown field `from`"),
        (r#"{"wildcard":{"@timestamp":"2024*"}}"#, "!no patterns"),
        (r#"{"query_string":{"query":"a","fuzziness":1}}"#, "!unknown field `fuzziness`"),
        (r#"{"match_all":{"boost":2}}"#, "!unknown field `boost`"),
        (r#"{"match_all":{},"match_none":{}}"#, "!"),
        ("{}", "!"),
        ("[]", "!"),
    ] {
        LIBRARY.check(text, find(text), expected);
    }
}

proptest! {
    #[test]
    fn no_pattern_panics(pattern in ".{0,20}", text in "[a*?\\\\.]{0,12}") {
            for query in [serde_json::json!({ "wildcard": { "message": pattern } }), serde_json::json!({ "prefix": { "stream": text } })] {
            let _found = find(&query.to_string());
        }
    }
}

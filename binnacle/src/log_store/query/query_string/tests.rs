//! Query strings on the same small index, and many that mean nothing.

use proptest::prelude::*;

use super::super::tests::LIBRARY;
use super::*;

fn find(text: &str, default_operator: Operator) -> Result<String, Failure> {
    let query = QueryString { query: text.to_owned(), default_field: None, default_operator, _analyze_wildcard: IgnoredAny };
    LIBRARY.find(|language| query.build(language))
}

#[test]
fn query_strings() {
    for (text, expected) in [
        ("", "0 1 2 3 4 5"),
        ("*", "0 1 2 3 4 5"),
        ("*:*", "0 1 2 3 4 5"),
        ("error", "3 4 5"),
        ("Error full", "3 4 5"),
        ("error AND full", "3"),
        ("+error -full", "4 5"),
        ("error NOT full", "4 5"),
        ("NOT error", "0 1 2"),
        ("-error", "0 1 2"),
        ("ms OR refused OR full", "0 1 3"),
        ("(ms OR refused) AND post", "1"),
        ("ms OR NOT items", "0 2 3 4 5"),
        ("\"connection refused\"", "1"),
        ("\"refused connection\"", ""),
        ("\"connection by\"~1", "1"),
        ("\"items conn\"*", "1"),
        ("'connection refused'", "1"),
        ("/api/items", "0 1"),
        ("10.0.0.1", "1"),
        ("10.0.0", "1"),
        ("0.10", ""),
        ("root-a", "3"),
        ("conn*", "1 2"),
        ("Conn*ed", "2"),
        ("c?osed", "2"),
        ("/api/it*", "0 1"),
        ("user\\*x", "4"),
        ("\\[warn\\]", "4"),
        ("ünï*", "5"),
        ("ÜNÏCODE", "5"),
        ("/conn.+ed/", "2"),
        ("stream:stdout", ""),
        ("kubernetes.pod:web-1", "0 1"),
        ("kubernetes.pod:\"web-1\"", "0 1"),
        ("kubernetes.pod:web*", "0 1 2"),
        ("kubernetes.pod:*-1", "0 1 3 4"),
        ("kubernetes.pod:(web-2 OR db-1) AND -full", "2 4"),
        ("kubernetes.pod: IN [web-2 db-1]", "2 3 4"),
        ("kubernetes.pod:*", "0 1 2 3 4"),
        ("_index:logs", "0 1 2 3 4 5"),
        ("@timestamp:[1970-01-01T00:00:01.5Z TO 1970-01-01T00:00:03.500Z]", "1 2 3"),
        ("@timestamp:{1970-01-01T00:00:01.5Z TO 1970-01-01T00:00:03.500Z}", "2"),
        ("@timestamp:[* TO 1970-01-01T00:00:01Z]", "0"),
        ("@timestamp:>=now-2s AND error", "3 4 5"),
        ("@timestamp:<1500", "0"),
        ("@timestamp:\"1970-01-01T00:00:01.500Z\"", "1"),
        ("@timestamp:1970-01-01", "0 1 2 3 4 5"),
        ("error^2 full", "3 4 5"),
        ("---", "!cannot understand the query \"---\""),
        (".", ""),
    ] {
        LIBRARY.check(text, find(text, Operator::Or), expected);
    }
}

#[test]
fn words_are_all_wanted_when_asked_so() {
    for (text, expected) in [
        ("error full", "3"),
        ("error -full", "4 5"),
        ("error OR full", "3 4 5"),
        ("error (full OR warn)", "3 4"),
        ("kubernetes.pod:db-1 error", "3 4"),
    ] {
        LIBRARY.check(text, find(text, Operator::And), expected);
    }
}

#[test]
fn query_strings_that_are_refused() {
    let long = "a ".repeat(MAX_QUERY_BYTES);
    let deep = "(".repeat(MAX_DEPTH + 1);
    for (text, expected) in [
        ("(error", "!cannot understand the query \"(error\" at character 7: expected ')'"),
        ("error)", "!cannot understand the query"),
        ("\"error", "!cannot understand the query"),
        ("message:", "!cannot understand the query"),
        ("a AND", "!cannot understand the query"),
        ("level:error", "!no field \"level\" can be searched"),
        ("@timestamp:soon", "!\"soon\" is no time"),
        ("@timestamp:now*", "!takes times and ranges"),
        ("message:[a TO b]", "!ranges are understood for @timestamp only"),
        ("eror~1", "!asks for similar words"),
        ("/[/", "!"),
        (long.as_str(), "!at most 4096"),
        (deep.as_str(), "!at most 50"),
    ] {
        LIBRARY.check(text, find(text, Operator::Or), expected);
    }
}

#[test]
fn the_deepest_that_are_taken_fit_on_the_stack_of_a_thread() {
    let nested = format!("{}error{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH));
    LIBRARY.check("nested", find(&nested, Operator::Or), "3 4 5");
    let negated = format!("{}error", "NOT ".repeat(MAX_DEPTH));
    LIBRARY.check("negated", find(&negated, Operator::Or), "3 4 5");
    let fields = format!("{}error{}", "message:(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH));
    LIBRARY.check("fields", find(&fields, Operator::Or), "3 4 5");
    let open = "+(-(".repeat(MAX_DEPTH / 2);
    LIBRARY.check("open", find(&open, Operator::Or), "!cannot understand");
    let words = "error ".repeat(MAX_QUERY_BYTES / 6);
    LIBRARY.check("words", find(&words, Operator::And), "3 4 5");
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,40}") {
        let _found = find(&text, Operator::Or);
    }

    #[test]
    fn no_mixture_of_syntax_panics(
        words in proptest::collection::vec("(a|error|[*?]|\\(|\\)|\"|'|AND|OR|NOT|IN|TO|\\[|\\]|\\{|\\}|[-+:^~/\\\\<>=]|[ ]|message|@timestamp|stream|now|2024-01-01|7)", 0..16),
    ) {
        let _found = find(&words.concat(), Operator::And);
    }
}

//! Answers as servers give them, whole, in pieces, cut, and mixed up.

use proptest::prelude::*;

use super::*;

fn read(body: &[u8], sent: usize, piece: usize) -> Result<Answer, String> {
    let mut reader = AnswerReader::new(sent);
    body.chunks(piece).try_for_each(|chunk| reader.feed(chunk))?;
    reader.finish()
}

/// Created, existed, and the refused with their places.
type Counts<'a> = (u64, u64, &'a [(usize, Fate)]);

fn check(body: &str, sent: usize, expected: Result<Counts<'_>, &str>) {
    for piece in [1, 7, usize::MAX] {
        let answer = read(body.as_bytes(), sent, piece);
        match (&answer, &expected) {
            (Ok(Answer { created, existed, refused }), Ok(expected)) => {
                let refused: Vec<_> = refused.iter().map(|(place, verdict)| (*place, verdict.fate)).collect();
                assert_eq!((*created, *existed, refused.as_slice()), *expected, "{body}");
            }
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{body}: {error}"),
            _ => panic!("{body}: {answer:?}"),
        }
    }
}

const MIXED: &str = r#"{"took":3,"errors":true,"items":[
    {"create":{"_index":"logs","_id":"a}]\"","status":201,"_shards":{"total":2}}},
    {"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"say \"}\""}}},
    {"create":{"status":409,"error":{"type":"version_conflict_engine_exception"}}},
    {"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"no"}}},
    {"create":{"status":403,"error":{"type":"security_exception"}}}
]}"#;

#[test]
fn answers() {
    check(MIXED, 5, Ok((1, 1, &[(1, Fate::Again), (3, Fate::Dead), (4, Fate::Parked)])));
    check(r#"{"errors":false,"took":1,"items":[{"create":{"status":201}},{"create":{"status":201}}]}"#, 2, Ok((2, 0, &[])));
    check(r#" {"items":[{"create":{"status":503}}],"errors":true} "#, 1, Ok((0, 0, &[(0, Fate::Again)])));
    check(r#"{"items":[{"create":{"status":201}}],"errors":false}"#, 1, Ok((1, 0, &[])));
    check(r#"{"errors":false}"#, 7, Ok((7, 0, &[])));
    check(r#"{"errors":false,"items":[]}"#, 7, Ok((7, 0, &[])));
}

#[test]
fn a_reason_that_quotes_the_whole_document_does_not_make_the_request_fail() {
    let item = format!(
        r#"{{"create":{{"status":400,"error":{{"type":"document_parsing_exception","reason":"{}"}}}}}}"#,
        "ü".repeat(600_000)
    );
    let body = format!(r#"{{"errors":true,"items":[{item},{item},{{"create":{{"status":201}}}}]}}"#);
    let answer = read(body.as_bytes(), 3, 64 * 1024).unwrap();
    assert_eq!((answer.created, answer.refused.len()), (1, 2));
    for (_, verdict) in answer.refused {
        assert!(verdict.fate == Fate::Dead && verdict.reason.capacity() <= 1024, "{}", verdict.reason.len());
        assert!(verdict.reason.starts_with("document_parsing_exception: üü"));
    }
}

#[test]
fn what_is_no_answer() {
    check("", 1, Err("too early"));
    check(&MIXED[..MIXED.len() - 1], 5, Err("too early"));
    check(MIXED, 6, Err("5 items for 6 sent"));
    check(MIXED, 4, Err("more than 4 items"));
    check(r#"{"items":[{"create":{"status":201}}]}"#, 1, Err("does not say"));
    check(r#"{"errors":true,"items":[{"create":{}}]}"#, 1, Err("item 0"));
    check(r#"{"errors":"false"}"#, 1, Err("does not say"));
    check(r#"{"error":{"type":"x","reason":"errors"},"status":500}"#, 1, Err("does not say"));
    check("<html>Bad gateway</html>", 1, Err("no JSON object"));
    check("[]", 1, Err("no JSON object"));
    check("}", 1, Err("no JSON object"));
    check(r#"{"errors":false}{}"#, 1, Err("no JSON object"));
    check("null", 1, Err("no JSON object"));
}

#[test]
fn a_long_answer_takes_no_memory() {
    let items = vec![r#"{"create":{"_index":"logs","_id":"AAAAAAAAAAAAAAAAAAAAAAAA","status":201}}"#; 20_000].join(",");
    check(&format!(r#"{{"errors":false,"items":[{items}]}}"#), 20_000, Ok((20_000, 0, &[])));
    let endless = format!(r#"{{"errors":true,"items":[{{"create":{{"status":400,"error":"{}"#, "x".repeat(LONGEST_ITEM_BYTES));
    check(&endless, 1, Err("an item of more"));
}

proptest! {
    #[test]
    fn a_cut_answer_is_never_taken_for_a_whole_one(length in 0..MIXED.len(), piece in 1..50_usize) {
        prop_assert!(read(&MIXED.as_bytes()[..length], 5, piece).is_err());
    }

    #[test]
    fn rubbish_is_refused_and_harmless(body in any::<Vec<u8>>(), piece in 1..50_usize) {
        prop_assert!(read(&body, 3, piece).is_err());
    }

    #[test]
    fn broken_answers_do_no_harm(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = MIXED.as_bytes().to_vec();
        let place = place.index(body.len());
        body[place] = byte;
        if let Ok(answer) = read(&body, 5, 10) {
            prop_assert_eq!(answer.created + answer.existed + answer.refused.len() as u64, 5);
        }
    }
}

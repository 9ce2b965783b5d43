//! Real Elasticsearch and OpenSearch: that the harness starts them, and that what is stored is found.

use integration_tests::http;
use integration_tests::servers::search::Store;
use integration_tests::servers::{Elasticsearch, OpenSearch};
use serde_json::json;

#[test]
fn elasticsearch_finds_what_it_stored() {
    let server = Elasticsearch::shared();
    assert_eq!(version(server.store()), "7.10.2");
    stores_and_finds(server.store());
}

#[test]
fn opensearch_finds_what_it_stored() {
    let server = OpenSearch::shared();
    assert!(version(server.store()).starts_with("3."), "{}", version(server.store()));
    stores_and_finds(server.store());
}

fn version(store: &Store) -> String {
    let about = http::get(&store.url).and_then(|answer| answer.json()).expect("what it is");
    about["version"]["number"].as_str().unwrap_or_default().to_owned()
}

fn stores_and_finds(store: &Store) {
    let index = store.index("smoke");
    let stored = http::post(&format!("{}/{index}/_doc", store.url), &json!({"message": "a line"})).expect("an answer");
    assert_eq!(stored.status, 201, "{}", stored.body);
    let found = store.search(&index, &json!({"query": {"match": {"message": "line"}}})).expect("a search");
    assert_eq!(found["hits"]["total"]["value"], 1, "{found}");
}

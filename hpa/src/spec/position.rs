//! Which line of a YAML file a field stands on, and which field stands at a line: what turns a fault into a place. It knows
//! no autoscaler and judges nothing.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

/// The fields of one document with their places, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Positions(Vec<Position>);

/// Where one field stands.
#[derive(Clone, Debug)]
struct Position {
    /// Such as `spec.metrics[0].type`.
    path: String,
    /// Line and column of its name, or of a list's item.
    name: (u64, u64),
    /// Line and column of its value.
    value: (u64, u64),
    /// What it says, if it is no list and no map.
    text: Option<String>,
}

impl Positions {
    /// Reads the places of every field; a text that is no YAML has none.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut positions = Self::default();
        let options = serde_saphyr::options! { with_snippet: false };
        if let Ok(root) = serde_saphyr::from_str_with_options::<Spanned<Node>>(text, options) {
            positions.collect("", &root.value);
        }
        positions
    }

    /// The line of `path`, or of the nearest field around it that the file has; 1 if there is none.
    #[must_use]
    pub fn line(&self, path: &str) -> u64 {
        let mut path = path;
        loop {
            if let Some(found) = self.0.iter().find(|position| position.path == path) {
                return found.name.0;
            }
            let Some(end) = path.rfind(['.', '[']) else { return 1 };
            path = &path[..end];
        }
    }

    /// The field whose value stands at this very place.
    #[must_use]
    pub fn at(&self, line: u64, column: u64) -> Option<&str> {
        // Of a list and its first item, which begin at the same place, the item is meant.
        let found = self.0.iter().rfind(|position| position.value == (line, column))?;
        Some(&found.path)
    }

    /// The field whose name stands at this very place.
    #[must_use]
    pub fn named_at(&self, line: u64, column: u64) -> Option<&str> {
        // Of an item and the first name in it, which begin at the same place, the name is meant.
        let found = self.0.iter().rfind(|position| position.name == (line, column))?;
        Some(&found.path)
    }

    /// What the field says, if it is there and is no list and no map.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|position| position.path == path)?.text.as_deref()
    }

    fn collect(&mut self, path: &str, node: &Node) {
        match node {
            Node::Map(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.value.clone() } else { format!("{path}.{}", name.value) };
                    self.add(path, place(name), value);
                }
            }
            Node::List(items) => {
                for (number, item) in items.iter().enumerate() {
                    self.add(format!("{path}[{number}]"), place(item), item);
                }
            }
            Node::Leaf(_) => {}
        }
    }

    fn add(&mut self, path: String, name: (u64, u64), value: &Spanned<Node>) {
        let text = if let Node::Leaf(text) = &value.value { Some(text.clone()) } else { None };
        self.0.push(Position { path: path.clone(), name, value: place(value), text });
        self.collect(&path, &value.value);
    }
}

fn place<T>(spanned: &Spanned<T>) -> (u64, u64) {
    (spanned.referenced.line(), spanned.referenced.column())
}

/// A YAML value of any shape.
enum Node {
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
    List(Vec<Spanned<Self>>),
    Leaf(String),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a YAML value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Map(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Leaf(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(String::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "kind: A\nspec:\n  min: 2\n  list:\n  - name: x\n    n: 1\n  - {name: y}\n";

    #[test]
    fn finds_fields_by_path_and_by_place() {
        let positions = Positions::of(TEXT);
        for (path, line) in [
            ("kind", 1),
            ("spec", 2),
            ("spec.list", 4),
            ("spec.list[0].n", 6),
            ("spec.list[1].name", 7),
            ("spec.max", 2),
            ("spec.list[7].a.b", 4),
            ("other", 1),
        ] {
            assert_eq!(positions.line(path), line, "{path}");
        }
        assert_eq!(positions.at(3, 8), Some("spec.min"));
        assert_eq!(positions.at(6, 8), Some("spec.list[0].n"));
        assert_eq!(positions.at(9, 9), None);
        assert_eq!(positions.text("spec.min"), Some("2"));
        assert_eq!(positions.text("spec"), None);
        assert_eq!(Positions::of("a: [").line("a"), 1);
    }
}

//! From PromQL's syntax tree to what is evaluated. Everything that is not supported is refused here, by name, so that a rule
//! that loads can be answered.

use std::collections::BTreeSet;

use promql_parser::label::{self, MatchOp};
use promql_parser::parser::{
    self, AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, Offset, VectorMatchCardinality, VectorSelector,
};

use super::aggregate::Aggregator;
use super::binary::{Matching, Operator};
use super::instant::InstantFunction;
use super::range::RangeFunction;
use crate::labels::METRIC_NAME;
use crate::matcher::{Matcher, Pattern, Test};

/// Longest expression: a thousand pod names of 60 bytes, four times over.
const MAX_BYTES: usize = 256 * 1024;
/// Deepest nesting; evaluation is recursive, and no rule that a person wrote comes near.
const MAX_DEPTH: usize = 64;

/// An expression that cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No PromQL.
    #[error("not PromQL: {0}")]
    Syntax(String),
    /// PromQL that is not supported.
    #[error("{0} is not supported by the adapter's own PromQL")]
    Unsupported(String),
    /// Too long or too deep.
    #[error("the expression is too large: at most {MAX_BYTES} bytes and {MAX_DEPTH} levels")]
    TooLarge,
}

/// What is evaluated.
#[derive(Debug)]
pub enum Plan {
    Number(f64),
    Time,
    Select(Selector),
    Range { function: RangeFunction, selector: Selector, range_ms: i64, parameter: Option<Box<Plan>> },
    Instant { function: InstantFunction, argument: Box<Plan>, parameters: Vec<Plan> },
    Aggregate { operator: Aggregator, argument: Box<Plan>, parameter: Option<Box<Plan>>, by: Grouping },
    Binary { operator: Operator, returns_bool: bool, matching: Matching, left: Box<Plan>, right: Box<Plan> },
    Negate(Box<Plan>),
    Vector(Box<Plan>),
    Scalar(Box<Plan>),
}

/// Series, and how far back.
#[derive(Debug)]
pub struct Selector {
    pub matchers: Vec<Matcher>,
    pub offset_ms: i64,
}

/// Labels by which samples are put together.
#[derive(Debug)]
pub enum Grouping {
    By(BTreeSet<String>),
    Without(BTreeSet<String>),
}

impl Grouping {
    pub fn keeps(&self, label: &str) -> bool {
        match self {
            Self::By(names) => names.contains(label),
            Self::Without(names) => label != METRIC_NAME && !names.contains(label),
        }
    }
}

impl Plan {
    /// Calls `see` with this plan and all that are in it.
    pub fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        match self {
            Self::Number(_) | Self::Time | Self::Select(_) => {}
            Self::Range { parameter, .. } => parameter.iter().for_each(|plan| plan.visit(see)),
            Self::Instant { argument, parameters, .. } => {
                argument.visit(see);
                parameters.iter().for_each(|plan| plan.visit(see));
            }
            Self::Aggregate { argument, parameter, .. } => {
                argument.visit(see);
                parameter.iter().for_each(|plan| plan.visit(see));
            }
            Self::Binary { left, right, .. } => {
                left.visit(see);
                right.visit(see);
            }
            Self::Negate(plan) | Self::Vector(plan) | Self::Scalar(plan) => plan.visit(see),
        }
    }
}

/// Reads an expression.
pub fn parse(text: &str) -> Result<Plan, ParseError> {
    lower(&syntax(text)?, 0)
}

/// Reads a bare selector, such as a rule's series query.
///
/// # Errors
/// It is anything else.
pub fn selector(text: &str) -> Result<Vec<Matcher>, ParseError> {
    match syntax(text)? {
        Expr::VectorSelector(selector) if selector.offset.is_none() && selector.at.is_none() => matchers(&selector),
        other => Err(ParseError::Syntax(format!("`{other}` is not a selector such as name{{label=\"value\"}}"))),
    }
}

fn syntax(text: &str) -> Result<Expr, ParseError> {
    // The parser's tree is checked and freed recursively.
    let opened = text.bytes().filter(|byte| matches!(byte, b'(' | b'[')).count();
    let depth = if opened > MAX_DEPTH { nesting(text) } else { opened };
    if text.len() > MAX_BYTES || depth > MAX_DEPTH {
        return Err(ParseError::TooLarge);
    }
    parser::parse(text).map_err(ParseError::Syntax)
}

/// How deep parentheses nest, strings left out.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut quote, mut escaped) = (0_usize, 0, None, false);
    for byte in text.bytes() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(quote), b'\\') if quote != b'`' => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'' | b'`') => quote = Some(byte),
            (None, b'(') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (None, b')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
    }
    deepest
}

fn lower(expression: &Expr, depth: usize) -> Result<Plan, ParseError> {
    if depth > MAX_DEPTH {
        return Err(ParseError::TooLarge);
    }
    let inner = |expression: &Expr| lower(expression, depth + 1);
    let unsupported = |what: &str| Err(ParseError::Unsupported(what.to_owned()));
    match expression {
        Expr::NumberLiteral(number) => Ok(Plan::Number(number.val)),
        Expr::Paren(paren) => inner(&paren.expr),
        Expr::Unary(unary) => Ok(Plan::Negate(Box::new(inner(&unary.expr)?))),
        Expr::VectorSelector(selected) => Ok(Plan::Select(lower_selector(selected)?)),
        Expr::Aggregate(aggregate) => lower_aggregate(aggregate, inner),
        Expr::Binary(binary) => lower_binary(binary, inner),
        Expr::Call(call) => lower_call(call, inner),
        Expr::MatrixSelector(matrix) => Err(ParseError::Syntax(format!("the range `{matrix}` stands outside a function"))),
        Expr::StringLiteral(_) => unsupported("a string as a value"),
        Expr::Subquery(_) => unsupported("a subquery"),
        Expr::Extension(_) => unsupported("an extension"),
    }
}

fn lower_selector(selected: &VectorSelector) -> Result<Selector, ParseError> {
    if selected.at.is_some() {
        return Err(ParseError::Unsupported("the @ modifier".to_owned()));
    }
    let millis = |duration: &std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
    let offset_ms = match &selected.offset {
        None => 0,
        Some(Offset::Pos(duration)) => millis(duration),
        Some(Offset::Neg(duration)) => -millis(duration),
    };
    Ok(Selector { matchers: matchers(selected)?, offset_ms })
}

fn matchers(selected: &VectorSelector) -> Result<Vec<Matcher>, ParseError> {
    if !selected.matchers.or_matchers.is_empty() {
        return Err(ParseError::Unsupported("`or` between matchers".to_owned()));
    }
    let mut matchers: Vec<Matcher> = selected.name.iter().map(|name| Matcher::equal(METRIC_NAME, name)).collect();
    for matcher in &selected.matchers.matchers {
        matchers.push(lower_matcher(matcher)?);
    }
    Ok(matchers)
}

fn lower_matcher(matcher: &label::Matcher) -> Result<Matcher, ParseError> {
    let pattern = || Pattern::new(&matcher.value).map_err(|error| ParseError::Syntax(format!("matcher `{matcher}`: {error}")));
    let test = match matcher.op {
        MatchOp::Equal => Test::Equal(matcher.value.clone()),
        MatchOp::NotEqual => Test::NotEqual(matcher.value.clone()),
        MatchOp::Re(_) => Test::Matches(pattern()?),
        MatchOp::NotRe(_) => Test::DiffersFrom(pattern()?),
    };
    Ok(Matcher { name: matcher.name.clone(), test })
}

fn names(labels: &label::Labels) -> BTreeSet<String> {
    labels.labels.iter().cloned().collect()
}

fn lower_aggregate(aggregate: &AggregateExpr, inner: impl Fn(&Expr) -> Result<Plan, ParseError>) -> Result<Plan, ParseError> {
    let name = aggregate.op.to_string();
    let operator = Aggregator::named(&name).ok_or_else(|| ParseError::Unsupported(format!("the aggregation {name}")))?;
    let by = match &aggregate.modifier {
        None => Grouping::By(BTreeSet::new()),
        Some(LabelModifier::Include(labels)) => Grouping::By(names(labels)),
        Some(LabelModifier::Exclude(labels)) => Grouping::Without(names(labels)),
    };
    let parameter = aggregate.param.as_ref().map(|parameter| inner(parameter).map(Box::new)).transpose()?;
    Ok(Plan::Aggregate { operator, argument: Box::new(inner(&aggregate.expr)?), parameter, by })
}

fn lower_binary(binary: &BinaryExpr, inner: impl Fn(&Expr) -> Result<Plan, ParseError>) -> Result<Plan, ParseError> {
    let name = binary.op.to_string();
    let operator = Operator::named(&name).ok_or_else(|| ParseError::Unsupported(format!("the operator {name}")))?;
    let (mut matching, mut returns_bool) = (Matching::default(), false);
    if let Some(modifier) = &binary.modifier {
        match modifier.card {
            VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => {}
            VectorMatchCardinality::ManyToOne(_) => return Err(ParseError::Unsupported("group_left".to_owned())),
            VectorMatchCardinality::OneToMany(_) => return Err(ParseError::Unsupported("group_right".to_owned())),
        }
        if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
            return Err(ParseError::Unsupported("fill".to_owned()));
        }
        returns_bool = modifier.return_bool;
        matching = match &modifier.matching {
            None => Matching::default(),
            Some(LabelModifier::Include(labels)) => Matching::On(names(labels)),
            Some(LabelModifier::Exclude(labels)) => Matching::Ignoring(names(labels)),
        };
    }
    let (left, right) = (Box::new(inner(&binary.lhs)?), Box::new(inner(&binary.rhs)?));
    Ok(Plan::Binary { operator, returns_bool, matching, left, right })
}

fn lower_call(call: &Call, inner: impl Fn(&Expr) -> Result<Plan, ParseError>) -> Result<Plan, ParseError> {
    let name = call.func.name;
    let arguments = &call.args.args;
    let unsupported = || ParseError::Unsupported(format!("the function {name}"));
    if let Some(function) = RangeFunction::named(name) {
        // The range is the last argument: a parameter, if there is one, stands before it.
        let Some((range, before)) = arguments.split_last() else { return Err(unsupported()) };
        let Expr::MatrixSelector(matrix) = unwrapped(range) else {
            return Err(ParseError::Unsupported(format!("{name} of anything but a selector with a range")));
        };
        let range_ms = i64::try_from(matrix.range.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        let parameter = before.first().map(|parameter| inner(parameter).map(Box::new)).transpose()?;
        return Ok(Plan::Range { function, selector: lower_selector(&matrix.vs)?, range_ms, parameter });
    }
    let Some((first, rest)) = arguments.split_first() else {
        return if name == "time" { Ok(Plan::Time) } else { Err(unsupported()) };
    };
    let argument = || inner(first).map(Box::new);
    match name {
        "vector" => Ok(Plan::Vector(argument()?)),
        "scalar" => Ok(Plan::Scalar(argument()?)),
        _ => {
            let function = InstantFunction::named(name).ok_or_else(unsupported)?;
            let parameters = rest.iter().map(|parameter| inner(parameter)).collect::<Result<_, _>>()?;
            Ok(Plan::Instant { function, argument: argument()?, parameters })
        }
    }
}

fn unwrapped(expression: &Expr) -> &Expr {
    let mut expression = expression;
    while let Expr::Paren(paren) = expression {
        expression = &paren.expr;
    }
    expression
}

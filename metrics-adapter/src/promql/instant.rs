//! Functions of single values.

/// A function of each value of a vector, with parameters that are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstantFunction {
    Abs,
    Ceil,
    Clamp,
    ClampMax,
    ClampMin,
    Exp,
    Floor,
    Ln,
    Log10,
    Log2,
    Round,
    Sgn,
    Sqrt,
}

impl InstantFunction {
    /// The function of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "abs" => Self::Abs,
            "ceil" => Self::Ceil,
            "clamp" => Self::Clamp,
            "clamp_max" => Self::ClampMax,
            "clamp_min" => Self::ClampMin,
            "exp" => Self::Exp,
            "floor" => Self::Floor,
            "ln" => Self::Ln,
            "log10" => Self::Log10,
            "log2" => Self::Log2,
            "round" => Self::Round,
            "sgn" => Self::Sgn,
            "sqrt" => Self::Sqrt,
            _ => return None,
        })
    }

    /// The function of one value; none if these parameters leave nothing.
    pub fn apply(self, value: f64, parameters: &[f64]) -> Option<f64> {
        let first = parameters.first().copied();
        let second = parameters.get(1).copied();
        Some(match self {
            Self::Abs => value.abs(),
            Self::Ceil => value.ceil(),
            Self::Clamp => {
                let (least, most) = (first.unwrap_or(f64::NAN), second.unwrap_or(f64::NAN));
                if most < least {
                    return None;
                }
                at_least(at_most(value, most), least)
            }
            Self::ClampMax => at_most(value, first.unwrap_or(f64::NAN)),
            Self::ClampMin => at_least(value, first.unwrap_or(f64::NAN)),
            Self::Exp => value.exp(),
            Self::Floor => value.floor(),
            Self::Ln => value.ln(),
            Self::Log10 => value.log10(),
            Self::Log2 => value.log2(),
            Self::Round => {
                // By the inverse, as Prometheus does for the sake of steps such as 0.1.
                let inverse = 1.0 / first.unwrap_or(1.0);
                (value * inverse + 0.5).floor() / inverse
            }
            Self::Sgn if value > 0.0 => 1.0,
            Self::Sgn if value < 0.0 => -1.0,
            Self::Sgn => value,
            Self::Sqrt => value.sqrt(),
        })
    }
}

/// The lesser; not a number if one of them is not. `f64::min` would give the other one.
fn at_most(value: f64, most: f64) -> f64 {
    if value.is_nan() || most.is_nan() { f64::NAN } else { value.min(most) }
}

fn at_least(value: f64, least: f64) -> f64 {
    if value.is_nan() || least.is_nan() { f64::NAN } else { value.max(least) }
}

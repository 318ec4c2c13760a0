//! Columns made ready for linear models: a defined value for what is not known, logarithms, and one scale.

use super::table::{KNOWN_MAX, Table};
use serde::{Deserialize, Serialize};

/// Whether columns are taken as they are, or as logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// As they are.
    Raw,
    /// `sign(v) ln(1 + |v|)`, which is `ln(1 + v)` where no value is negative.
    Log,
}

/// Correlation beyond which two columns say the same.
///
/// A column that says what an earlier one says cannot be told from it in training, and ceases to be its twin later: revenue
/// of 365 days is revenue to date while no customer is older than a year. Weight given to it by chance would then mislead.
const SAME: f64 = 0.95;

/// How far beyond the training a logarithm may go, in ranges of the training: customers grow older than any was at the
/// earlier cut, which a trend in their age may follow so far. Columns as they are have no limit, as least squares has none.
const MARGIN: f64 = 1.0;

/// What is done with one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ColumnRecipe {
    pub name: String,
    /// Mean and standard deviation of the known values of the training, after the logarithm.
    pub mean: f64,
    pub deviation: f64,
    /// Limits of a value; one beyond is set to the nearer one.
    pub low: f64,
    pub high: f64,
    /// Whether its values are a column of the design.
    pub is_told: bool,
    /// Whether zeros and ones that say where the value is not known are one.
    pub is_marked: bool,
}

/// How rows of features become rows of a design matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Recipe {
    pub form: Form,
    pub columns: Vec<ColumnRecipe>,
}

/// Rows of a design matrix, side by side.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Design {
    /// Numbers a row.
    pub width: usize,
    /// `rows * width` numbers.
    pub numbers: Vec<f64>,
}

impl Design {
    pub fn rows(&self) -> std::slice::Chunks<'_, f64> {
        self.numbers.chunks(self.width.max(1))
    }

    /// Some of the rows.
    pub fn picked(&self, is_picked: &[bool]) -> Design {
        let rows = self.rows().zip(is_picked).filter(|row| *row.1);
        Design { width: self.width, numbers: rows.flat_map(|row| row.0.iter().copied()).collect() }
    }
}

impl Form {
    fn apply(self, value: f64) -> f64 {
        match self {
            Form::Raw => value,
            Form::Log => value.signum() * value.abs().ln_1p(),
        }
    }
}

impl ColumnRecipe {
    fn new(name: &str, column: &[f64], form: Form) -> ColumnRecipe {
        let known: Vec<f64> = column.iter().filter(|value| value.is_finite()).map(|value| form.apply(*value)).collect();
        let count = known.len().max(1) as f64;
        let mean = known.iter().sum::<f64>() / count;
        let square: f64 = known.iter().map(|value| (value - mean) * (value - mean)).sum();
        let deviation = (square / count).sqrt();
        let low = known.iter().copied().fold(f64::INFINITY, f64::min).min(mean);
        let high = known.iter().copied().fold(f64::NEG_INFINITY, f64::max).max(mean);
        let (low, high) = match form {
            Form::Raw => (-KNOWN_MAX, KNOWN_MAX),
            Form::Log => (low - MARGIN * (high - low), high + MARGIN * (high - low)),
        };
        // What is left of a constant after rounding is not a difference.
        let is_told = deviation > 1e-9 * mean.abs().max(1e-9);
        let is_marked = !known.is_empty() && known.len() < column.len();
        let deviation = if is_told { deviation } else { 1.0 };
        ColumnRecipe { name: name.into(), mean, deviation, low, high, is_told, is_marked }
    }

    fn standardised(&self, value: f64, form: Form) -> Option<f64> {
        value.is_finite().then(|| (form.apply(value).clamp(self.low, self.high) - self.mean) / self.deviation)
    }
}

/// Whether `column` says what none of `kept` says; if so, it is kept too.
fn is_news(mut column: Vec<f64>, kept: &mut Vec<Vec<f64>>) -> bool {
    let mean = column.iter().sum::<f64>() / column.len().max(1) as f64;
    column.iter_mut().for_each(|value| *value -= mean);
    let norm = dot(&column, &column).sqrt();
    column.iter_mut().for_each(|value| *value /= norm.max(f64::MIN_POSITIVE));
    let is_news = norm > 0.0 && kept.iter().all(|other| dot(&column, other).abs() < SAME);
    if is_news {
        kept.push(column);
    }
    is_news
}

impl Recipe {
    /// Learns scales from `table`. A column that is constant or says what an earlier one says is left out.
    pub fn new(table: &Table, form: Form) -> Recipe {
        let mut kept = Vec::new();
        let recipes = table.names.iter().zip(&table.columns).map(|(name, column)| {
            let mut recipe = ColumnRecipe::new(name, column, form);
            let told: Vec<f64> = column.iter().map(|value| recipe.standardised(*value, form).unwrap_or(0.0)).collect();
            recipe.is_told = recipe.is_told && is_news(told, &mut kept);
            let marks: Vec<f64> = column.iter().map(|value| f64::from(u8::from(!value.is_finite()))).collect();
            recipe.is_marked = recipe.is_marked && is_news(marks, &mut kept);
            recipe
        });
        Recipe { form, columns: recipes.filter(|recipe| recipe.is_told || recipe.is_marked).collect() }
    }

    /// Names of the columns that it asks for.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// Numbers a row of the design: one, and one or two a column.
    pub fn width(&self) -> usize {
        1 + self.columns.iter().map(|column| usize::from(column.is_told) + usize::from(column.is_marked)).sum::<usize>()
    }

    /// The design of `rows` customers with `columns`, which are those of [`Recipe::names`]: an intercept, then standardised values, 0 (the mean)
    /// where one is not known, each followed by its mark if it has one.
    pub fn design(&self, columns: &[Vec<f64>], rows: usize) -> Design {
        let width = self.width();
        let mut numbers = vec![0.0; rows * width];
        numbers.iter_mut().step_by(width).for_each(|intercept| *intercept = 1.0);
        let mut place = 1;
        for (recipe, column) in self.columns.iter().zip(columns) {
            for (row, value) in column.iter().enumerate() {
                let cells = &mut numbers[row * width + place..];
                match recipe.standardised(*value, self.form) {
                    Some(value) if recipe.is_told => cells[0] = value,
                    None if recipe.is_marked => cells[usize::from(recipe.is_told)] = 1.0,
                    _ => {}
                }
            }
            place += usize::from(recipe.is_told) + usize::from(recipe.is_marked);
        }
        Design { width, numbers }
    }

    /// Whether numbers that were read back can be used.
    pub fn is_sound(&self) -> bool {
        self.columns.iter().all(|column| {
            let numbers = [column.mean, column.deviation, column.low, column.high];
            numbers.iter().all(|number| number.is_finite()) && column.deviation > 0.0 && column.low <= column.high
        })
    }
}

/// Sum of products of a row and coefficients.
pub(super) fn dot(row: &[f64], coefficients: &[f64]) -> f64 {
    row.iter().zip(coefficients).map(|(value, coefficient)| value * coefficient).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_standardised_and_what_is_not_known_gets_the_mean_and_a_mark() {
        let table = Table {
            names: ["a", "constant", "b"].map(String::from).to_vec(),
            columns: vec![vec![1.0, 3.0, 5.0, 3.0], vec![7.0; 4], vec![f64::NAN, 0.0, 2.0, f64::NAN]],
        };
        let recipe = Recipe::new(&table, Form::Raw);
        assert_eq!(recipe.names(), ["a", "b"]);
        let design = recipe.design(&[table.columns[0].clone(), table.columns[2].clone()], 4);
        let root = 2f64.sqrt();
        let expected = [[1.0, -root, 0.0, 1.0], [1.0, 0.0, -1.0, 0.0], [1.0, root, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0]];
        for (row, expected) in design.rows().zip(expected) {
            for (number, expected) in row.iter().zip(expected) {
                assert!((number - expected).abs() < 1e-15, "{row:?}");
            }
        }
    }

    #[test]
    fn a_column_that_says_what_another_says_is_left_out() {
        let first: Vec<f64> = (0..50).map(|i| f64::from(i * i)).collect();
        let twin: Vec<f64> = first.iter().map(|value| 7.0 - 3.0 * value).collect();
        let other: Vec<f64> = (0..50).map(|i| f64::from(i % 7)).collect();
        let names = ["first", "twin", "other"].map(String::from).to_vec();
        let recipe = Recipe::new(&Table { names, columns: vec![first, twin, other] }, Form::Raw);
        assert_eq!(recipe.names(), ["first", "other"]);
    }

    #[test]
    fn a_logarithm_goes_one_range_beyond_the_training_and_no_further() {
        let table = Table { names: vec!["a".into()], columns: vec![vec![0.0, 1f64.exp_m1()]] };
        let recipe = Recipe::new(&table, Form::Log);
        let design = recipe.design(&[vec![1e12, -1e12, 2f64.exp_m1()]], 3);
        for (row, expected) in design.rows().zip([3.0, -3.0, 3.0]) {
            assert!((row[1] - expected).abs() < 1e-12, "{row:?}");
        }
    }

    #[test]
    fn logarithms_keep_the_sign() {
        assert_eq!(Form::Log.apply(0.0), 0.0);
        assert!((Form::Log.apply(-9.0) + 10f64.ln()).abs() < 1e-15);
        assert!((Form::Log.apply(9.0) - 10f64.ln()).abs() < 1e-15);
    }
}

//! Columns made ready for linear models: a defined value for what is not known, logarithms, and one scale.

use super::table::Table;
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

/// What is done with one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ColumnRecipe {
    pub name: String,
    /// Mean and standard deviation of the known values of the training, after the logarithm.
    pub mean: f64,
    pub deviation: f64,
    /// Smallest and largest of them; a value beyond is set to the nearer one.
    pub low: f64,
    pub high: f64,
    /// Whether a column of zeros and ones says where the value is not known.
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

impl Recipe {
    /// Learns scales from `table`. A constant column is left out: it says nothing beside the intercept.
    pub fn new(table: &Table, form: Form) -> Recipe {
        let recipe = |(name, column): (&String, &Vec<f64>)| {
            let known: Vec<f64> = column.iter().filter(|v| v.is_finite()).map(|v| form.apply(*v)).collect();
            let count = known.len() as f64;
            let mean = known.iter().sum::<f64>() / count.max(1.0);
            let square: f64 = known.iter().map(|value| (value - mean) * (value - mean)).sum();
            let deviation = (square / count.max(1.0)).sqrt();
            let (low, high) =
                known.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
            let is_told = deviation > 1e-9 * mean.abs().max(1e-9);
            let is_marked = !known.is_empty() && known.len() < column.len();
            let name = name.clone();
            (is_told || is_marked).then(|| match is_told {
                true => ColumnRecipe { name, mean, deviation, low, high, is_marked },
                // Only whether it is known tells something.
                false => ColumnRecipe { name, mean, deviation: 1.0, low: mean, high: mean, is_marked },
            })
        };
        Recipe { form, columns: table.names.iter().zip(&table.columns).filter_map(recipe).collect() }
    }

    /// Names of the columns that it asks for.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// Numbers a row of the design: one, and one or two a column.
    pub fn width(&self) -> usize {
        1 + self.columns.iter().map(|column| 1 + usize::from(column.is_marked)).sum::<usize>()
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
                if value.is_finite() {
                    let value = self.form.apply(*value).clamp(recipe.low, recipe.high);
                    cells[0] = (value - recipe.mean) / recipe.deviation;
                } else if recipe.is_marked {
                    cells[1] = 1.0;
                }
            }
            place += 1 + usize::from(recipe.is_marked);
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
        // Beyond the training a value counts as its largest or smallest.
        let beyond = recipe.design(&[vec![-1e9], vec![1e9]], 1);
        assert!((beyond.numbers[1] + root).abs() < 1e-15 && beyond.numbers[2] == 1.0);
    }

    #[test]
    fn logarithms_keep_the_sign() {
        assert_eq!(Form::Log.apply(0.0), 0.0);
        assert!((Form::Log.apply(-9.0) + 10f64.ln()).abs() < 1e-15);
        assert!((Form::Log.apply(9.0) - 10f64.ln()).abs() < 1e-15);
    }
}

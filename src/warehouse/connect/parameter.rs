//! A value that knows the type under which the server takes it.
//!
//! The driver asks the server for the types of parameters, which takes a named statement and a round trip. Told here,
//! a statement needs neither, and passes every pooler.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use tokio_postgres::types::{ToSql, Type};

/// A value for a `$n` of a statement.
pub trait Parameter: Sync {
    /// The type under which it is sent.
    fn sql_type(&self) -> Type;
    /// The value for the driver.
    fn value(&self) -> &(dyn ToSql + Sync);
}

impl<T: SqlType + ToSql + Sync> Parameter for T {
    fn sql_type(&self) -> Type {
        T::ONE
    }

    fn value(&self) -> &(dyn ToSql + Sync) {
        self
    }
}

/// Statement parameters with their types, as the driver wants them.
pub(super) fn typed<'a>(values: &[&'a dyn Parameter]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    values.iter().map(|value| (value.value(), value.sql_type())).collect()
}

/// A Rust type and its PostgreSQL type, alone and as the element of an array.
pub trait SqlType {
    /// The type of one value.
    const ONE: Type;
    /// The type of an array of them.
    const MANY: Type;
}

macro_rules! sql_types {
    ($($rust:ty: $one:ident, $many:ident;)*) => {
        $(impl SqlType for $rust {
            const ONE: Type = Type::$one;
            const MANY: Type = Type::$many;
        })*
    };
}

sql_types! {
    bool: BOOL, BOOL_ARRAY;
    i16: INT2, INT2_ARRAY;
    i32: INT4, INT4_ARRAY;
    i64: INT8, INT8_ARRAY;
    u32: OID, OID_ARRAY;
    f64: FLOAT8, FLOAT8_ARRAY;
    Decimal: NUMERIC, NUMERIC_ARRAY;
    str: TEXT, TEXT_ARRAY;
    String: TEXT, TEXT_ARRAY;
    NaiveDate: DATE, DATE_ARRAY;
    DateTime<Utc>: TIMESTAMPTZ, TIMESTAMPTZ_ARRAY;
    serde_json::Value: JSONB, JSONB_ARRAY;
}

impl<T: SqlType + ?Sized> SqlType for &T {
    const ONE: Type = T::ONE;
    const MANY: Type = T::MANY;
}

impl<T: SqlType> SqlType for Option<T> {
    const ONE: Type = T::ONE;
    const MANY: Type = T::MANY;
}

// PostgreSQL has one array type for all numbers of dimensions.
impl<T: SqlType> SqlType for [T] {
    const ONE: Type = T::MANY;
    const MANY: Type = T::MANY;
}

impl<T: SqlType> SqlType for Vec<T> {
    const ONE: Type = T::MANY;
    const MANY: Type = T::MANY;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_names_its_type() {
        let names = ["a".to_owned()];
        let none: Option<&str> = None;
        let values: [&dyn Parameter; 7] =
            [&1_i64, &"a", &names.as_slice(), &vec![Some(1.5)], &none, &Some(Utc::now()), &serde_json::json!({})];
        let types: Vec<String> = typed(&values).iter().map(|(_, sql_type)| sql_type.to_string()).collect();
        assert_eq!(types, ["int8", "text", "_text", "_float8", "text", "timestamptz", "jsonb"]);
    }
}

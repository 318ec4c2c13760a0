//! What can be loaded: the raw tables, their canonical columns, and what makes two of their rows the same.
//!
//! A mapping fills the columns, a load writes them. Both go by this list, so a column is described once.

/// A raw table that files are loaded into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Entity {
    /// Order lines: `raw.orders`.
    #[default]
    Orders,
    /// Who buys: `raw.customers`.
    Customers,
    /// What is sold: `raw.products`.
    Products,
    /// What was sent to customers, and what it cost: `raw.campaigns`.
    Campaigns,
    /// Who was in a campaign, or was held back from it: `raw.campaign_members`.
    CampaignMembers,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text as in the file.
    Text,
    /// Three letters; where the file has none, the currency of the mapping.
    Currency,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Exact number.
    Number,
    /// Exact number from 0 to 1; where the file has none, 0.
    Share,
    /// Whole number of 32 bits.
    Integer,
    /// True or false.
    Flag,
    /// Instant.
    Instant,
    /// Calendar day.
    Date,
}

/// A column of a raw table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// A row without a value does not fit.
    pub is_required: bool,
    /// A mapping may say where it comes from; the others follow from the rest of the row.
    pub is_mapped: bool,
}

const fn required(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, is_required: true, is_mapped: true }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, is_required: false, is_mapped: true }
}

const ORDERS: [Column; 15] = [
    required("order_id", Kind::Text),
    // Where the mapping names no column, the position of the line within its order.
    optional("line", Kind::Integer),
    optional("customer_id", Kind::Text),
    Column { name: "id_is_synthetic", kind: Kind::Flag, is_required: true, is_mapped: false },
    required("ordered_at", Kind::Instant),
    optional("product_id", Kind::Text),
    optional("description", Kind::Text),
    optional("category", Kind::Text),
    required("quantity", Kind::Number),
    required("unit_price", Kind::Number),
    optional("discount", Kind::Share),
    optional("unit_cost", Kind::Number),
    optional("channel", Kind::Text),
    optional("country", Kind::Text),
    optional("currency", Kind::Currency),
];

const CUSTOMERS: [Column; 15] = [
    required("customer_id", Kind::Text),
    optional("email", Kind::Text),
    optional("name", Kind::Text),
    optional("phone", Kind::Text),
    optional("birth_date", Kind::Date),
    optional("gender", Kind::Text),
    optional("city", Kind::Text),
    optional("region", Kind::Text),
    optional("country", Kind::Text),
    optional("postal_code", Kind::Text),
    optional("acquisition_channel", Kind::Text),
    optional("acquisition_campaign_id", Kind::Text),
    optional("signed_up_at", Kind::Instant),
    optional("segment", Kind::Text),
    optional("has_consent", Kind::Flag),
];

const PRODUCTS: [Column; 8] = [
    required("product_id", Kind::Text),
    optional("name", Kind::Text),
    optional("category", Kind::Text),
    optional("subcategory", Kind::Text),
    optional("brand", Kind::Text),
    optional("unit_price", Kind::Number),
    optional("unit_cost", Kind::Number),
    optional("currency", Kind::Currency),
];

const CAMPAIGNS: [Column; 7] = [
    required("campaign_id", Kind::Text),
    optional("name", Kind::Text),
    optional("channel", Kind::Text),
    optional("starts_at", Kind::Instant),
    optional("ends_at", Kind::Instant),
    optional("cost", Kind::Number),
    optional("currency", Kind::Currency),
];

const CAMPAIGN_MEMBERS: [Column; 6] = [
    required("campaign_id", Kind::Text),
    required("customer_id", Kind::Text),
    required("arm", Kind::OneOf(&["treated", "control"])),
    optional("assigned_at", Kind::Instant),
    optional("responded_at", Kind::Instant),
    optional("spend", Kind::Number),
];

impl Entity {
    /// All entities.
    pub const ALL: [Entity; 5] =
        [Entity::Orders, Entity::Customers, Entity::Products, Entity::Campaigns, Entity::CampaignMembers];

    /// Name of the table in the raw schema, and in a mapping's `table`.
    #[must_use]
    pub fn table(self) -> &'static str {
        match self {
            Entity::Orders => "orders",
            Entity::Customers => "customers",
            Entity::Products => "products",
            Entity::Campaigns => "campaigns",
            Entity::CampaignMembers => "campaign_members",
        }
    }

    /// The entity of this table.
    #[must_use]
    pub fn of_table(table: &str) -> Option<Entity> {
        Entity::ALL.into_iter().find(|entity| entity.table() == table)
    }

    /// The columns between `source` and `load_id`, in the order of the table.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        match self {
            Entity::Orders => &ORDERS,
            Entity::Customers => &CUSTOMERS,
            Entity::Products => &PRODUCTS,
            Entity::Campaigns => &CAMPAIGNS,
            Entity::CampaignMembers => &CAMPAIGN_MEMBERS,
        }
    }

    /// Place of a column in [`Entity::columns`].
    #[must_use]
    pub fn place(self, name: &str) -> Option<usize> {
        self.columns().iter().position(|column| column.name == name)
    }

    /// What is new, unchanged or replaced as a whole: these columns name it within its source.
    #[must_use]
    pub fn unit(self) -> &'static [&'static str] {
        match self {
            Entity::Orders => &["order_id"],
            Entity::Customers => &["customer_id"],
            Entity::Products => &["product_id"],
            Entity::Campaigns => &["campaign_id"],
            Entity::CampaignMembers => &["campaign_id", "customer_id"],
        }
    }

    /// Columns that name one row within its source.
    #[must_use]
    pub fn key(self) -> &'static [&'static str] {
        match self {
            Entity::Orders => &["order_id", "line"],
            other => other.unit(),
        }
    }

    /// Whether its rows belong to a person.
    #[must_use]
    pub fn has_customers(self) -> bool {
        self.place("customer_id").is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::Entity;

    #[test]
    fn every_entity_is_found_by_its_table_and_its_keys_are_columns() {
        for entity in Entity::ALL {
            assert_eq!(Entity::of_table(entity.table()), Some(entity));
            assert!(entity.key().starts_with(entity.unit()));
            assert!(entity.key().iter().all(|name| entity.place(name).is_some()), "{entity:?}");
        }
        assert_eq!(Entity::of_table("invoices"), None);
    }
}

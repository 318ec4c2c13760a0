//! The products of a shop, sorted by price, so that one of a wanted price is found by halving.

use super::parameters::Parameters;
use super::random::{Random, Use};

/// Prices reach from the mean value of a line down and up by this factor.
const PRICE_SPREAD: f64 = 60.0;
/// Products up to so much dearer than wanted are candidates; a discount makes up for the difference.
const PRICE_BAND: f64 = 1.35;
/// Of so many candidates the most popular one is bought.
const CANDIDATES: usize = 3;

/// Categories with their subcategories, and what goods cost of their price.
const CATEGORIES: [(&str, [&str; 3], f64); 10] = [
    ("Electronics", ["Audio", "Cables", "Wearables"], 0.70),
    ("Clothing", ["Shirts", "Shoes", "Accessories"], 0.48),
    ("Home & Garden", ["Kitchen", "Lighting", "Garden"], 0.55),
    ("Books", ["Fiction", "Travel", "Cooking"], 0.62),
    ("Sports", ["Running", "Cycling", "Outdoor"], 0.54),
    ("Beauty", ["Skin", "Hair", "Fragrance"], 0.40),
    ("Toys", ["Puzzles", "Figures", "Games"], 0.50),
    ("Automotive", ["Care", "Tools", "Interior"], 0.63),
    ("Health", ["Vitamins", "First Aid", "Sleep"], 0.45),
    ("Food & Beverage", ["Coffee", "Snacks", "Tea"], 0.66),
];
const BRANDS: [&str; 12] =
    ["Alder", "Birk", "Corvo", "Dunmore", "Elara", "Fjell", "Granit", "Halden", "Iskra", "Juno", "Kestrel", "Lumen"];
const STYLES: [&str; 8] = ["Classic", "Compact", "Deluxe", "Everyday", "Light", "Original", "Pro", "Travel"];

/// One product. Money is in cents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Product {
    /// Number in its id, in no relation to the price.
    pub number: u32,
    /// Price of one unit, which all its order lines have.
    pub price_cents: i64,
    /// Cost of one unit.
    pub cost_cents: i64,
    category: u8,
    subcategory: u8,
    brand: u8,
    style: u8,
    popularity: u32,
}

impl Product {
    /// Name of its category.
    #[must_use]
    pub fn category(&self) -> &'static str {
        CATEGORIES[self.category as usize].0
    }

    /// Name of its subcategory.
    #[must_use]
    pub fn subcategory(&self) -> &'static str {
        CATEGORIES[self.category as usize].1[self.subcategory as usize]
    }

    /// Name of its brand.
    #[must_use]
    pub fn brand(&self) -> &'static str {
        BRANDS[self.brand as usize]
    }

    /// Its style, a part of its name.
    #[must_use]
    pub fn style(&self) -> &'static str {
        STYLES[self.style as usize]
    }
}

/// All products, by price.
#[derive(Clone, Debug)]
pub struct Catalogue {
    products: Vec<Product>,
    prices: Vec<i64>,
}

impl Catalogue {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let line_mean = parameters.spend.mean() / parameters.lines_mean;
        let mut products: Vec<Product> =
            (0..parameters.products).map(|number| product(parameters.seed, number, line_mean)).collect();
        products.sort_by_key(|product| (product.price_cents, product.number));
        let prices = products.iter().map(|product| product.price_cents).collect();
        Catalogue { products, prices }
    }

    /// The products, by price.
    #[must_use]
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// The dearest product.
    pub(super) fn dearest_cents(&self) -> i64 {
        self.prices.last().copied().unwrap_or(1)
    }

    /// Place of a product that costs at least `cents`, and not much more where there is one.
    pub(super) fn pick(&self, cents: f64, random: &mut Random) -> usize {
        let first = self.prices.partition_point(|price| (*price as f64) < cents).min(self.prices.len() - 1);
        let end = self.prices.partition_point(|price| (*price as f64) <= cents * PRICE_BAND).max(first + 1);
        let mut best = first + random.index(end - first);
        for _ in 1..CANDIDATES {
            let other = first + random.index(end - first);
            if self.products[other].popularity > self.products[best].popularity {
                best = other;
            }
        }
        best
    }
}

fn product(seed: u64, number: u32, line_mean: f64) -> Product {
    let mut random = Random::new(seed, Use::Product, u64::from(number), 0);
    let category = random.index(CATEGORIES.len());
    let price = line_mean * PRICE_SPREAD.powf(2.0 * random.uniform() - 1.0);
    // As shops write prices: 12.99, and 0.87 below a unit of money.
    let price_cents =
        if price < 2.0 { (price * 100.0).round().max(1.0) as i64 } else { price.round() as i64 * 100 - 1 };
    let cost_share = CATEGORIES[category].2 * (0.85 + 0.3 * random.uniform());
    Product {
        number: number + 1,
        price_cents,
        cost_cents: ((price_cents as f64 * cost_share).round() as i64).max(1),
        category: category as u8,
        subcategory: random.index(3) as u8,
        brand: random.index(BRANDS.len()) as u8,
        style: random.index(STYLES.len()) as u8,
        popularity: random.bits() as u32,
    }
}

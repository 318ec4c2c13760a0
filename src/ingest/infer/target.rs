//! Which column of a raw table a column of a file is, told by the name it commonly has.

use crate::warehouse::entity::Entity;

/// Names in the order of likeness, without case, blanks and signs: English first, then German, French and Spanish.
const NAMES: [(&str, &[&str]); 26] = [
    (
        "order_id",
        &[
            "orderid",
            "orderno",
            "ordernumber",
            "invoiceno",
            "invoice",
            "invoiceid",
            "transactionid",
            "receiptid",
            "order",
            "name",
            "bestellnr",
            "bestellnummer",
            "auftragsnummer",
            "rechnungsnummer",
            "ordernr",
            "commande",
            "pedido",
        ],
    ),
    ("line", &["line", "lineno", "linenumber", "orderitemid", "itemnumber", "position"]),
    (
        "customer_id",
        &[
            "customerid",
            "custid",
            "clientid",
            "userid",
            "customer",
            "memberid",
            "buyer",
            "buyerid",
            "client",
            "customerno",
            "email",
            "customeremail",
            "billingemail",
            "kundennr",
            "kundennummer",
            "kundenid",
            "kunde",
            "client",
            "cliente",
        ],
    ),
    (
        "ordered_at",
        &[
            "orderedat",
            "orderdate",
            "invoicedate",
            "transactiondate",
            "orderpurchasedate",
            "orderpurchasetimestamp",
            "purchasedate",
            "createdat",
            "date",
            "datetime",
            "timestamp",
            "day",
            "bestelldatum",
            "rechnungsdatum",
            "auftragsdatum",
            "datum",
            "datecommande",
            "fecha",
        ],
    ),
    (
        "product_id",
        &[
            "productid",
            "sku",
            "stockcode",
            "itemid",
            "articleid",
            "lineitemsku",
            "itemsku",
            "product",
            "artikelnr",
            "artikelnummer",
            "artikel",
            "référence",
            "articulo",
        ],
    ),
    (
        "description",
        &[
            "description",
            "productname",
            "itemname",
            "lineitemname",
            "subcategory",
            "bezeichnung",
            "beschreibung",
            "désignation",
        ],
    ),
    (
        "category",
        &["category", "productcategory", "department", "itemcategory", "kategorie", "warengruppe", "catégorie"],
    ),
    (
        "quantity",
        &[
            "quantity",
            "qty",
            "units",
            "lineitemquantity",
            "itemquantity",
            "count",
            "numberofcds",
            "menge",
            "anzahl",
            "stück",
            "quantité",
            "cantidad",
        ],
    ),
    (
        "unit_price",
        &[
            "unitprice",
            "price",
            "listprice",
            "itemprice",
            "lineitemprice",
            "amount",
            "sales",
            "total",
            "totalamount",
            "dollarvalue",
            "value",
            "einzelpreis",
            "stückpreis",
            "preis",
            "prixunitaire",
            "prix",
            "precio",
        ],
    ),
    ("discount", &["discount", "discountpercent", "rebate", "discountrate"]),
    ("unit_cost", &["unitcost", "cost", "costprice"]),
    ("channel", &["channel", "saleschannel", "shipmode", "source"]),
    ("country", &["country", "shippingcountry", "countrycode", "land", "pays", "país"]),
    ("currency", &["currency", "ordercurrency", "currencycode", "währung", "devise", "moneda"]),
    ("email", &["email", "customeremail", "mail"]),
    ("name", &["name", "customername", "fullname", "productname", "campaignname"]),
    ("phone", &["phone", "telephone", "mobile"]),
    ("birth_date", &["birthdate", "dateofbirth", "dob", "birthday", "born"]),
    ("gender", &["gender", "sex", "genre"]),
    ("city", &["city", "customercity", "town"]),
    ("region", &["region", "state", "customerstate", "province"]),
    ("postal_code", &["postalcode", "zip", "zipcode", "postcode", "customerzipcodeprefix"]),
    ("signed_up_at", &["signedupat", "registrationdate", "signupdate", "registered", "createdat"]),
    ("segment", &["segment", "customertype", "customersegment"]),
    ("brand", &["brand", "manufacturer"]),
    ("campaign_id", &["campaignid", "campaign"]),
];

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Place of the header's column that most likely is the target, among those that `is_fit`.
pub(super) fn place(target: &str, header: &[String], is_fit: impl Fn(usize) -> bool) -> Option<usize> {
    let names = NAMES.iter().find(|(known, _)| *known == target)?.1;
    let plain_header: Vec<String> = header.iter().map(|name| plain(name)).collect();
    names.iter().find_map(|name| (0..header.len()).find(|place| plain_header[*place] == *name && is_fit(*place)))
}

/// What the rows of the file are: orders, unless only customers or products are named.
pub(super) fn entity(header: &[String]) -> Entity {
    let has = |target: &str| place(target, header, |_| true).is_some();
    let is_sale = has("ordered_at") && (has("quantity") || has("unit_price"));
    if is_sale || has("quantity") {
        Entity::Orders
    } else if has("customer_id") {
        Entity::Customers
    } else if has("product_id") {
        Entity::Products
    } else {
        Entity::Orders
    }
}

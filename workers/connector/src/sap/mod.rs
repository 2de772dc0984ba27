//! SAP S/4HANA through its OData v2 services: orders, stock, products are read, orders are written. It decides nothing
//! about who may see or do what, and not whether a write is tried again.

mod create;
mod http;
mod names;
mod odata;
mod orders;
mod post;
mod products;
mod session;
mod stock;

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, FutureExt};
use peyvand::event::{Operation, Order, StockLevel};
use peyvand::language::script::Language;
use serde::de::IgnoredAny;

use crate::{
    gate::Gate,
    system::{Capability, Looked, Sent, Writer},
    target::{TargetConfig, TargetError},
    write::Write,
};
use http::Http;
use names::Names;
pub use products::Product;

const ORDERS: &str = "API_SALES_ORDER_SRV";
const PRODUCTS: &str = "API_PRODUCT_SRV";
const STOCK: &str = "API_MATERIAL_STOCK_SRV";

/// One SAP system. Every operation is bounded by the target's deadline and by its number of operations at once.
pub struct Sap {
    http: Arc<Http>,
    names: Names,
    gate: Gate,
}

/// New sales orders in one SAP system.
pub struct SalesOrders {
    http: Arc<Http>,
}

impl Sap {
    /// Checks the configuration; nothing is asked yet.
    pub fn new(config: TargetConfig) -> Result<Self, TargetError> {
        let gate = Gate::new(&config.name, config.deadline);
        Ok(Self { http: Arc::new(Http::new(config)?), names: Names::default(), gate })
    }

    /// One question of a person, while the system is there.
    async fn ask<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, TargetError>>,
    ) -> Result<T, TargetError> {
        self.gate.ask(self.http.within(operation, work)).await
    }

    /// How long each of the questions below may take, waiting for a place included.
    pub fn deadline(&self) -> Duration {
        self.http.deadline()
    }

    /// One order with its items, or none when there is no such order. The names of products may be a minute old, nothing else.
    pub async fn order(&self, number: &str, language: Language) -> Result<Option<Order>, TargetError> {
        let Some(number) = orders::number(number) else { return Ok(None) };
        self.ask("order.status", orders::one(&self.http, &self.names, number, language)).await
    }

    /// The newest orders, without items, of the customer who owns the given order; none when that order does not exist.
    /// At most one above [`ORDERS_MAX`](peyvand::event::ORDERS_MAX).
    pub async fn orders_of_same_customer(
        &self,
        number: &str,
        limit: usize,
    ) -> Result<Option<Vec<Order>>, TargetError> {
        let Some(number) = orders::number(number) else { return Ok(None) };
        self.ask("order.list", orders::of_same_customer(&self.http, number, limit)).await
    }

    /// The unrestricted stock of the products that go by a SKU or have all words of `product` in a Persian or English
    /// name: at most five products, one entry a product and plant. Empty when no such product is known; a known product
    /// without stock has an entry with the quantity 0.
    pub async fn stock(&self, product: &str, language: Language) -> Result<Vec<StockLevel>, TargetError> {
        self.ask("stock.level", stock::levels(&self.http, product, language)).await
    }

    /// Whether the three services answer this user.
    pub async fn ping(&self) -> Result<(), TargetError> {
        let ask = async {
            for (service, set) in
                [(ORDERS, "A_SalesOrder"), (STOCK, "A_MatlStkInAcctMod"), (PRODUCTS, "A_ProductDescription")]
            {
                let url = self.http.url(service, &[set], &[("$top", "1")]);
                let _unused: Vec<IgnoredAny> = self.http.list(url).await?;
            }
            Ok(())
        };
        self.http.within("ping", ask).await
    }

    /// Every product with its names, at most 10,000, by SKU.
    pub async fn products(&self) -> Result<Vec<Product>, TargetError> {
        self.http.within("products", products::all(&self.http)).await
    }

    /// The way to write sales orders.
    pub fn sales_orders(&self) -> SalesOrders {
        SalesOrders { http: Arc::clone(&self.http) }
    }
}

impl Writer for SalesOrders {
    fn operation(&self) -> Operation {
        Operation::SalesOrderCreate
    }

    fn capability(&self) -> Capability {
        Capability::Search { visible_within: self.http.config.visible_within }
    }

    fn send<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Sent> {
        create::send(&self.http, self.http.config.sales_area.as_ref(), write).boxed()
    }

    fn reconcile<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Looked> {
        async move {
            let look = async { Ok(create::reconcile(&self.http, write).await) };
            self.http.within("sales_order.find", look).await.unwrap_or_else(Looked::CannotTell)
        }
        .boxed()
    }
}

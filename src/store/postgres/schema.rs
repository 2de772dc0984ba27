//! The tables' version: an operator makes it, every process checks it. A worker may not change tables. An upgrade is made while
//! processes of the version before still work: a migration that such a one can live with says so by its name, and is the
//! only kind that may come before the last of them has ended (expand first, contract a release later).

use sqlx::{
    ConnectOptions, PgConnection, Row,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::link::Link;
use crate::store::StoreError;

/// How the name of a migration begins that only adds what an older program neither sees nor has to fill.
const EXPANDS: &str = "expand ";

fn migrations() -> Migrator {
    let step = include_str!("../../../schemas/sql/postgres/0001_step.sql");
    let outbox = include_str!("../../../schemas/sql/postgres/0002_outbox.sql");
    let audit = include_str!("../../../schemas/sql/postgres/0003_audit.sql");
    let crash_guard = include_str!("../../../schemas/sql/postgres/0004_crash_guard.sql");
    let parked = include_str!("../../../schemas/sql/postgres/0005_parked.sql");
    let keeper = include_str!("../../../schemas/sql/postgres/0006_outbox_keeper.sql");
    let reach = include_str!("../../../schemas/sql/postgres/0007_reach.sql");
    let parked_begun = include_str!("../../../schemas/sql/postgres/0008_parked_begun.sql");
    let parked_size = include_str!("../../../schemas/sql/postgres/0009_parked_size.sql");
    let reply_extras = include_str!("../../../schemas/sql/postgres/0010_reply_extras.sql");
    let outgoing_keeper = include_str!("../../../schemas/sql/postgres/0011_outgoing_keeper.sql");
    let written = include_str!("../../../schemas/sql/postgres/0012_record_at_work_written.sql");
    let all = [
        (1, "step", step),
        (2, "outbox", outbox),
        (3, "audit", audit),
        (4, "crash guard", crash_guard),
        (5, "parked", parked),
        (6, "outbox keeper", keeper),
        (7, "reach", reach),
        (8, "parked begun", parked_begun),
        (9, "parked size", parked_size),
        (10, "reply extras", reply_extras),
        (11, "outgoing keeper", outgoing_keeper),
        (12, "record at work written", written),
    ];
    let all = all.map(|(version, name, sql)| {
        let sql = sqlx::SqlSafeStr::into_sql_str(sql);
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(all.to_vec())
}

/// Makes the tables, or brings them to this version; several at once wait for each other.
pub(super) async fn migrate(link: &Link) -> Result<(), StoreError> {
    let mut connection = link.patient_options().connect().await?;
    let mut migrations = migrations();
    let applied = applied(&mut connection).await.map_err(|error| StoreError::of(&error))?;
    // Those of a later version that this one can live with: after a release was taken back, it is the old one that migrates.
    migrations.set_ignore_missing(unknown(&applied).iter().all(|one| one.name.starts_with(EXPANDS)));
    migrations.run(&mut connection).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => match error.into() {
            StoreError::Unavailable(text) => StoreError::Unavailable(text),
            other @ (StoreError::Refused { .. }
            | StoreError::Unreadable { .. }
            | StoreError::Migration(_)) => StoreError::Migration(other.to_string()),
        },
        MigrateError::VersionMissing(_) => newer(),
        other => StoreError::Migration(other.to_string()),
    })
}

/// Refuses every schema but this version's, and those of later ones that only added to it.
pub(super) async fn check(link: &Link) -> Result<(), StoreError> {
    let mut link = link.clone();
    let mut connection = link.take().await?;
    let applied = link.in_time(applied(&mut connection)).await?;
    let (known, unknown) = (migrations(), unknown(&applied));
    let newest = known.iter().map(|own| own.version).max().unwrap_or_default();
    if unknown.iter().any(|one| one.version <= newest) {
        let advice = "its tables were made by another build; use that build or an empty database";
        return Err(StoreError::Migration(advice.to_owned()));
    }
    if unknown.iter().any(|one| !one.name.starts_with(EXPANDS)) {
        return Err(newer());
    }
    if applied.len() - unknown.len() < known.iter().count() {
        let advice = "its tables are missing or older; run `peyvand database migrate`";
        return Err(StoreError::Migration(advice.to_owned()));
    }
    Ok(())
}

/// The migrations that this version does not have.
fn unknown(applied: &[Applied]) -> Vec<&Applied> {
    let own = migrations();
    let is_own = |one: &Applied| {
        own.iter().any(|own| own.version == one.version && own.checksum[..] == one.checksum[..])
    };
    applied.iter().filter(|one| !is_own(one)).collect()
}

fn newer() -> StoreError {
    StoreError::Migration("its tables are newer; use the newer peyvand that made them".to_owned())
}

/// A migration that was made.
struct Applied {
    version: i64,
    name: String,
    checksum: Vec<u8>,
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<Applied>, sqlx::Error> {
    let there: bool = sqlx::query("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    if !there {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "SELECT version, description, checksum FROM _sqlx_migrations WHERE success ORDER BY version",
    )
    .fetch_all(connection)
    .await?;
    let one = |row: &sqlx::postgres::PgRow| {
        Ok(Applied { version: row.try_get(0)?, name: row.try_get(1)?, checksum: row.try_get(2)? })
    };
    rows.iter().map(one).collect()
}

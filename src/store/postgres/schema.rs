//! The tables' version: an operator makes it, every process checks it. A worker may not change tables.

use sqlx::{
    ConnectOptions, PgConnection, Row,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::link::Link;
use crate::store::StoreError;

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
    migrations().run(&mut connection).await.map_err(|error| match error {
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

/// Refuses every schema but this version's.
pub(super) async fn check(link: &Link) -> Result<(), StoreError> {
    let mut link = link.clone();
    let mut connection = link.take().await?;
    let applied = link.in_time(applied(&mut connection)).await?;
    let expected: Vec<(i64, Vec<u8>)> =
        migrations().iter().map(|migration| (migration.version, migration.checksum.to_vec())).collect();
    if applied == expected {
        return Ok(());
    }
    let known = |version: i64| expected.iter().any(|(known, _)| *known == version);
    if applied.iter().any(|(version, _)| !known(*version)) {
        return Err(newer());
    }
    Err(StoreError::Migration(if expected.starts_with(&applied) {
        "its tables are missing or older; run `peyvand database migrate`".to_owned()
    } else {
        "its tables were made by another build; use that build or an empty database".to_owned()
    }))
}

fn newer() -> StoreError {
    StoreError::Migration("its tables are newer; use the newer peyvand that made them".to_owned())
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
    let there: bool = sqlx::query("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    if !there {
        return Ok(Vec::new());
    }
    let rows = sqlx::query("SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version")
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

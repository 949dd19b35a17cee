//! Roles with fewer rights than the superuser, for either side of a pair.

use super::cluster::Server;
use super::pair::{Pair, unique};
use super::session::Session;

/// A role that can log in.
pub struct Role {
    pub name: String,
    pub password: String,
    /// Its URL of the pair's database.
    pub url: String,
}

/// The three kinds of role that a target is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    Superuser,
    /// Owns everything, and is no superuser.
    Owner,
    /// Select, insert, update and delete, and no more.
    Writer,
}

impl Rights {
    pub const ALL: [Rights; 3] = [Rights::Superuser, Rights::Owner, Rights::Writer];
}

const SCHEMAS: &str = "select quote_ident(nspname) from pg_namespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'";

const RELATIONS: &str = "
    select case c.relkind when 'v' then 'view ' when 'S' then 'sequence ' else 'table ' end
           || format('%I.%I', n.nspname, c.relname)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                      and d.deptype in ('a', 'i', 'e') and c.relkind = 'S')
    order by c.relkind";

impl Pair {
    pub async fn target_role(&self, rights: Rights) -> Role {
        match rights {
            Rights::Superuser => self.target_superuser(),
            Rights::Owner => self.target_owner().await,
            Rights::Writer => self.target_writer().await,
        }
    }

    pub fn target_superuser(&self) -> Role {
        Role { name: "postgres".into(), password: String::new(), url: self.target_url() }
    }

    /// Owns the target's database, schemas, tables and sequences; no superuser.
    pub async fn target_owner(&self) -> Role {
        let role = self.role(self.target_server(), &self.target, "").await;
        for schema in self.target.column(SCHEMAS).await {
            self.target.run(&format!("alter schema {schema} owner to {}", role.name)).await;
        }
        for relation in self.target.column(RELATIONS).await {
            self.target.run(&format!("alter {relation} owner to {}", role.name)).await;
        }
        role
    }

    /// May read and write the target's rows, and create `sync_log`; owns none of the tables.
    pub async fn target_writer(&self) -> Role {
        let role = self.role(self.target_server(), &self.target, "").await;
        let rights = "usage, create on schema";
        self.grant(&self.target, rights, "select, insert, update, delete", &role).await;
        role
    }

    /// May read the source's rows and nothing else: no sight of what other sessions do.
    pub async fn source_reader(&self) -> Role {
        let role = self.role(self.source_server(), &self.source, "").await;
        self.grant(&self.source, "usage on schema", "select", &role).await;
        role
    }

    /// May read the target's rows, `sync_log` included, and nothing else.
    pub async fn target_reader(&self) -> Role {
        let role = self.role(self.target_server(), &self.target, "").await;
        self.grant(&self.target, "usage on schema", "select", &role).await;
        role
    }

    /// Must show its password when it connects over TCP to a server of the harness.
    pub async fn source_reader_with_password(&self) -> Role {
        let role = self.role(self.source_server(), &self.source, "in role with_password").await;
        self.grant(&self.source, "usage on schema", "select", &role).await;
        role
    }

    pub async fn target_writer_with_password(&self) -> Role {
        let role = self.role(self.target_server(), &self.target, "in role with_password").await;
        let rights = "usage, create on schema";
        self.grant(&self.target, rights, "select, insert, update, delete", &role).await;
        role
    }

    async fn role(&self, server: &Server, side: &Session, options: &str) -> Role {
        let (name, password) = (unique("r"), "s3cret-p4ss".to_string());
        if let Ok(mut roles) = self.roles.lock() {
            roles.push(name.clone());
        }
        side.run(
            "do $$ begin create role with_password;
             exception when duplicate_object or unique_violation then null; end $$",
        )
        .await;
        side.run(&format!("create role {name} login password '{password}' {options}")).await;
        side.run(&format!("alter role {name} in database {} set search_path = public", self.name))
            .await;
        // The log that an earlier run as another role makes is open to this one too.
        side.run(&format!(
            "alter default privileges grant select, insert, update, delete on tables to {name}"
        ))
        .await;
        let url = server.url_as(&name, &password, &self.name);
        Role { name, password, url }
    }

    async fn grant(&self, side: &Session, on_schema: &str, on_tables: &str, role: &Role) {
        for schema in side.column(SCHEMAS).await {
            side.run(&format!("grant {on_schema} {schema} to {}", role.name)).await;
            let tables =
                format!("grant {on_tables} on all tables in schema {schema} to {}", role.name);
            side.run(&tables).await;
        }
    }
}

-- The database of an archive on PostgreSQL >= 15 and its three roles. Run by an administrator of the server, as often as
-- one likes: what is there stays, passwords are set anew where files are given.
--
--     ARCHIVE_OWNER_PASSWORD_FILE=OWNER ARCHIVE_APP_PASSWORD_FILE=APP ARCHIVE_BACKUP_PASSWORD_FILE=BACKUP \
--         psql --file deploy/postgres-roles.sql postgres
--
-- or without passwords, where pg_hba.conf knows the roles in another way (certificates, peer). `--set archive=NAME` makes
-- another database NAME with NAME_owner, NAME_app and NAME_backup. Then, on the machines of the archive, with the
-- addresses in files that only their user reads:
--
--     ARCHIVE_DATABASE_URL_FILE         postgresql+psycopg://archive_app:PASSWORD@HOST/archive?sslmode=verify-full
--     ARCHIVE_DATABASE_OWNER_URL_FILE   postgresql+psycopg://archive_owner:PASSWORD@HOST/archive?sslmode=verify-full
--     ARCHIVE_DATABASE_BACKUP_URL_FILE  postgresql+psycopg://archive_backup:PASSWORD@HOST/archive?sslmode=verify-full
--     archive init ...                  makes tables, policies and privileges, as the owner
--
-- The first is needed everywhere. `archive init`, `archive db`, restore and move need the owner's; the first two of them the
-- backup's too, to let it read. Who makes backups needs the backup's: a worker of the light lane where ARCHIVE_BACKUP_AT is
-- set. Site, other workers and relay run without both.
--
-- A database that one role owned and used becomes one of three roles: stop the archive, run this, which gives everything
-- in it to the owner, then `archive db upgrade` with all three addresses, and start it with the new ones.
\set ON_ERROR_STOP on
\if :{?archive}
\else
\set archive archive
\endif
\set owner :archive _owner
\set app :archive _app
\set backup :archive _backup

-- owner: has every table; migrations, the first fonds and restore are its work.
-- app: the program. It owns nothing, so that row security binds it; what it may do `archive init` and `db upgrade` grant.
-- backup: reads every row past row security and writes none. BYPASSRLS is a superuser's to give: where you are none, take
-- the lines with this role out, and backups read as the owner.
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE %s', wanted.role, wanted.sight)
FROM (VALUES (:'owner', 'NOBYPASSRLS'), (:'app', 'NOBYPASSRLS'), (:'backup', 'BYPASSRLS')) AS wanted (role, sight)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.role)
\gexec
ALTER ROLE :"backup" SET default_transaction_read_only = on;

-- Passwords come from files, and go into no log of the server.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
\getenv owner_file ARCHIVE_OWNER_PASSWORD_FILE
\if :{?owner_file}
\set password `cat "$ARCHIVE_OWNER_PASSWORD_FILE"`
ALTER ROLE :"owner" PASSWORD :'password';
\endif
\getenv app_file ARCHIVE_APP_PASSWORD_FILE
\if :{?app_file}
\set password `cat "$ARCHIVE_APP_PASSWORD_FILE"`
ALTER ROLE :"app" PASSWORD :'password';
\endif
\getenv backup_file ARCHIVE_BACKUP_PASSWORD_FILE
\if :{?backup_file}
\set password `cat "$ARCHIVE_BACKUP_PASSWORD_FILE"`
ALTER ROLE :"backup" PASSWORD :'password';
\endif
\unset password

SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', :'archive', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'archive')
\gexec
ALTER DATABASE :"archive" OWNER TO :"owner";
REVOKE ALL ON DATABASE :"archive" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"archive" TO :"app", :"backup";

-- What somebody else made there, as in an archive that had one role, is the owner's from now on.
\connect :"archive"
SELECT 'ALTER SCHEMA public OWNER TO pg_database_owner'
FROM pg_namespace
WHERE nspname = 'public' AND nspowner <> 'pg_database_owner'::regrole
UNION ALL
SELECT format('ALTER TABLE %s OWNER TO %I', oid::regclass, :'owner')
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relowner <> :'owner'::regrole
UNION ALL
SELECT format('ALTER FUNCTION %s OWNER TO %I', oid::regprocedure, :'owner')
FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proowner <> :'owner'::regrole
UNION ALL
SELECT format('ALTER COLLATION %s OWNER TO %I', oid::regcollation, :'owner')
FROM pg_collation
WHERE collnamespace = 'public'::regnamespace AND collowner <> :'owner'::regrole
\gexec
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- The two roles of an archive on PostgreSQL >= 15, and its database. Run once by an administrator of the server:
--
--     ARCHIVE_OWNER_PASSWORD_FILE=OWNER ARCHIVE_APP_PASSWORD_FILE=APP psql --file deploy/postgres-roles.sql postgres
--
-- or without passwords, where pg_hba.conf knows the roles in another way (certificates, peer). Then, on the machine of
-- the archive, with both addresses in files that only its user reads:
--
--     ARCHIVE_DATABASE_URL_FILE        postgresql+psycopg://archive_app:PASSWORD@HOST/archive?sslmode=verify-full
--     ARCHIVE_DATABASE_OWNER_URL_FILE  postgresql+psycopg://archive_owner:PASSWORD@HOST/archive?sslmode=verify-full
--     archive init ...                 makes tables, policies and privileges as the owner
--
-- Only `archive init`, `archive db`, backup, restore and move need the owner's address; the site runs without it, and so do
-- workers, but for those of the light lane where ARCHIVE_BACKUP_AT has them make the daily backup.
\set ON_ERROR_STOP on

-- Owns every table; migrations, the first fonds, backup and restore are its work.
CREATE ROLE archive_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
-- The program: owns nothing, so that row security binds it; what it may do is granted by `archive init` and `db upgrade`.
CREATE ROLE archive_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;

-- Passwords come from files, and go into no log of the server.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
\getenv owner_file ARCHIVE_OWNER_PASSWORD_FILE
\if :{?owner_file}
\set owner_password `cat "$ARCHIVE_OWNER_PASSWORD_FILE"`
ALTER ROLE archive_owner PASSWORD :'owner_password';
\endif
\getenv app_file ARCHIVE_APP_PASSWORD_FILE
\if :{?app_file}
\set app_password `cat "$ARCHIVE_APP_PASSWORD_FILE"`
ALTER ROLE archive_app PASSWORD :'app_password';
\endif

CREATE DATABASE archive OWNER archive_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE archive FROM PUBLIC;
GRANT CONNECT ON DATABASE archive TO archive_app;

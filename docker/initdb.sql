-- Run once by the PostgreSQL image, by psql and as superuser, when its volume is still empty.
--
-- The owner role owns the database and, after `timeline migrate`, every table in it. The service
-- role may connect and use the schema; what it may do with each table is granted by
-- `timeline migrate --grant-to timeline_service`.

\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv service_password SERVICE_PASSWORD

CREATE ROLE timeline_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE timeline_service LOGIN PASSWORD :'service_password';

CREATE DATABASE timeline OWNER timeline_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE timeline FROM PUBLIC;
GRANT CONNECT ON DATABASE timeline TO timeline_service;

\connect timeline
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO timeline_service;

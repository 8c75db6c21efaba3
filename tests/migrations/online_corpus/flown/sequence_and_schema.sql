CREATE SCHEMA IF NOT EXISTS shop;
CREATE SCHEMA lab;
CREATE SEQUENCE lab.runs AS bigint START 100;
ALTER SEQUENCE shop.tickets INCREMENT BY 5 MAXVALUE 1000;
CREATE TABLE lab.results (id bigint DEFAULT nextval('lab.runs'));
ALTER SEQUENCE lab.runs OWNED BY lab.results.id;

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.certificates (
    id bigint NOT NULL,
    cluster_uuid text NOT NULL,
    serial text NOT NULL,
    subject text NOT NULL,
    ca text NOT NULL,
    not_after timestamp with time zone NOT NULL,
    user_id text NOT NULL,
    project_id text NOT NULL,
    created_at timestamp with time zone
);
CREATE SEQUENCE public.certificates_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.certificates_id_seq OWNED BY public.certificates.id;
CREATE TABLE public.cluster_templates (
    id bigint NOT NULL,
    uuid text NOT NULL,
    name text NOT NULL,
    project_id text NOT NULL,
    user_id text NOT NULL,
    public boolean NOT NULL,
    hidden boolean NOT NULL,
    tags text,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    coe text NOT NULL,
    image_id text NOT NULL,
    flavor_id text,
    control_plane_flavor_id text,
    keypair_id text,
    external_network_id text,
    fixed_network text,
    fixed_subnet text,
    dns_nameserver text,
    network_driver text,
    volume_driver text,
    server_type text NOT NULL,
    os_distro text,
    driver text,
    docker_storage_driver text,
    docker_volume_size_gib bigint,
    apiserver_port bigint,
    http_proxy text,
    https_proxy text,
    no_proxy text,
    insecure_registry text,
    registry_enabled boolean NOT NULL,
    tls_disabled boolean NOT NULL,
    api_lb_enabled boolean NOT NULL,
    floating_ip_enabled boolean NOT NULL,
    labels text NOT NULL
);
CREATE SEQUENCE public.cluster_templates_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.cluster_templates_id_seq OWNED BY public.cluster_templates.id;
CREATE TABLE public.clusters (
    id bigint NOT NULL,
    uuid text NOT NULL,
    name text NOT NULL,
    project_id text NOT NULL,
    user_id text NOT NULL,
    template_uuid text NOT NULL,
    keypair text,
    create_timeout_min bigint,
    discovery_url text,
    deleting boolean NOT NULL,
    generation bigint NOT NULL,
    observed_generation bigint NOT NULL,
    fence bigint NOT NULL,
    status text NOT NULL,
    status_reason text,
    health text,
    health_reason text NOT NULL,
    api_address text,
    coe_version text,
    container_version text,
    backend_id text,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    coe text NOT NULL,
    image_id text NOT NULL,
    flavor_id text,
    control_plane_flavor_id text,
    keypair_id text,
    external_network_id text,
    fixed_network text,
    fixed_subnet text,
    dns_nameserver text,
    network_driver text,
    volume_driver text,
    server_type text NOT NULL,
    os_distro text,
    driver text,
    docker_storage_driver text,
    docker_volume_size_gib bigint,
    apiserver_port bigint,
    http_proxy text,
    https_proxy text,
    no_proxy text,
    insecure_registry text,
    registry_enabled boolean NOT NULL,
    tls_disabled boolean NOT NULL,
    api_lb_enabled boolean NOT NULL,
    floating_ip_enabled boolean NOT NULL,
    labels text NOT NULL,
    health_seen_at timestamp with time zone
);
CREATE SEQUENCE public.clusters_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.clusters_id_seq OWNED BY public.clusters.id;
CREATE TABLE public.node_groups (
    id bigint NOT NULL,
    uuid text NOT NULL,
    cluster_uuid text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    role_name text NOT NULL,
    project_id text NOT NULL,
    node_count bigint NOT NULL,
    image_id text NOT NULL,
    flavor_id text,
    min_node_count bigint NOT NULL,
    max_node_count bigint,
    docker_volume_size_gib bigint,
    labels text NOT NULL,
    node_labels text NOT NULL,
    node_taints text NOT NULL,
    remove_nodes text NOT NULL,
    is_default boolean NOT NULL,
    deleting boolean NOT NULL,
    status text NOT NULL,
    status_reason text,
    node_addresses text NOT NULL,
    version text,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);
CREATE SEQUENCE public.node_groups_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.node_groups_id_seq OWNED BY public.node_groups.id;
CREATE TABLE public.operations (
    id bigint NOT NULL,
    uuid text NOT NULL,
    cluster_uuid text NOT NULL,
    verb text NOT NULL,
    project_id text NOT NULL,
    user_id text NOT NULL,
    request_id text NOT NULL,
    generation bigint NOT NULL,
    state text NOT NULL,
    summary text NOT NULL,
    cancel_requested boolean NOT NULL,
    deadline_at timestamp with time zone,
    error_class text,
    error text,
    hint text,
    created_at timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone
);
CREATE SEQUENCE public.operations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.operations_id_seq OWNED BY public.operations.id;
CREATE TABLE public.quotas (
    id bigint NOT NULL,
    project_id text NOT NULL,
    resource text NOT NULL,
    hard_limit bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone
);
CREATE SEQUENCE public.quotas_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.quotas_id_seq OWNED BY public.quotas.id;
CREATE TABLE public.resources (
    id bigint NOT NULL,
    cluster_uuid text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    provider_id text,
    opened_at timestamp with time zone,
    closed_at timestamp with time zone
);
CREATE SEQUENCE public.resources_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.resources_id_seq OWNED BY public.resources.id;
CREATE TABLE public.secrets (
    cluster_uuid text NOT NULL,
    name text NOT NULL,
    sealed bytea NOT NULL
);
CREATE TABLE public.services (
    id bigint NOT NULL,
    host text NOT NULL,
    "binary" text NOT NULL,
    report_count bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.services_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.services_id_seq OWNED BY public.services.id;
CREATE TABLE public.steps (
    id bigint NOT NULL,
    operation_uuid text NOT NULL,
    name text NOT NULL,
    target text NOT NULL,
    attempt bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ok boolean,
    message text NOT NULL,
    error_class text,
    hint text,
    log text
);
CREATE SEQUENCE public.steps_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.steps_id_seq OWNED BY public.steps.id;
ALTER TABLE ONLY public.certificates ALTER COLUMN id SET DEFAULT nextval('public.certificates_id_seq'::regclass);
ALTER TABLE ONLY public.cluster_templates ALTER COLUMN id SET DEFAULT nextval('public.cluster_templates_id_seq'::regclass);
ALTER TABLE ONLY public.clusters ALTER COLUMN id SET DEFAULT nextval('public.clusters_id_seq'::regclass);
ALTER TABLE ONLY public.node_groups ALTER COLUMN id SET DEFAULT nextval('public.node_groups_id_seq'::regclass);
ALTER TABLE ONLY public.operations ALTER COLUMN id SET DEFAULT nextval('public.operations_id_seq'::regclass);
ALTER TABLE ONLY public.quotas ALTER COLUMN id SET DEFAULT nextval('public.quotas_id_seq'::regclass);
ALTER TABLE ONLY public.resources ALTER COLUMN id SET DEFAULT nextval('public.resources_id_seq'::regclass);
ALTER TABLE ONLY public.services ALTER COLUMN id SET DEFAULT nextval('public.services_id_seq'::regclass);
ALTER TABLE ONLY public.steps ALTER COLUMN id SET DEFAULT nextval('public.steps_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.certificates VALUES (1, '5c0e1a00-0000-4000-8000-000000000003', '1234', 'CN=ada', 'kubernetes', '2027-01-02 03:04:10+00', 'user-1', 'project-1', '2026-01-02 03:04:10+00');
INSERT INTO public.cluster_templates VALUES (1, '5c0e1a00-0000-4000-8000-000000000001', 'k8s', 'project-1', 'user-1', false, false, 'a,b', '2026-01-02 03:04:05+00', NULL, 'kubernetes', 'fake-image', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'vm', NULL, 'fake', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false, false, true, '{"kube_tag":"v1.34.4"}');
INSERT INTO public.cluster_templates VALUES (2, '5c0e1a00-0000-4000-8000-000000000002', 'everybody''s', 'project-2', 'user-1', true, false, NULL, '2026-01-02 03:04:05+00', NULL, 'kubernetes', 'fake-image', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'vm', NULL, 'fake', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false, false, true, '{"kube_tag":"v1.34.4"}');
INSERT INTO public.clusters VALUES (1, '5c0e1a00-0000-4000-8000-000000000003', 'done', 'project-1', 'user-1', '5c0e1a00-0000-4000-8000-000000000001', NULL, 60, NULL, false, 1, 1, 1, 'CREATE_COMPLETE', NULL, 'HEALTHY', '{"api":"ok","done-worker-0.Ready":"True"}', 'https://192.0.2.1:6443', 'v1.34.4', NULL, NULL, '2026-01-02 03:04:05+00', NULL, 'kubernetes', 'fake-image', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'vm', NULL, 'fake', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false, false, true, '{"kube_tag":"v1.34.4"}', NULL);
INSERT INTO public.clusters VALUES (2, '5c0e1a00-0000-4000-8000-000000000007', 'waiting', 'project-2', 'user-1', '5c0e1a00-0000-4000-8000-000000000002', NULL, 60, NULL, false, 1, 0, 0, 'CREATE_IN_PROGRESS', NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-01-02 03:04:10+00', NULL, 'kubernetes', 'fake-image', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'vm', NULL, 'fake', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false, false, true, '{"kube_tag":"v1.34.4"}', NULL);
INSERT INTO public.node_groups VALUES (1, '5c0e1a00-0000-4000-8000-000000000004', '5c0e1a00-0000-4000-8000-000000000003', 'default-master', 'control-plane', 'master', 'project-1', 1, 'fake-image', NULL, 0, NULL, NULL, '{}', '{}', '[]', '[]', true, false, 'CREATE_COMPLETE', NULL, '["10.0.0.5"]', NULL, '2026-01-02 03:04:05+00', NULL);
INSERT INTO public.node_groups VALUES (2, '5c0e1a00-0000-4000-8000-000000000005', '5c0e1a00-0000-4000-8000-000000000003', 'default-worker', 'worker', 'worker', 'project-1', 2, 'fake-image', NULL, 0, 5, NULL, '{"zone":"a"}', '{"disk":"ssd"}', '[]', '[]', true, false, 'CREATE_COMPLETE', NULL, '["10.0.0.6","10.0.0.7"]', NULL, '2026-01-02 03:04:05+00', NULL);
INSERT INTO public.node_groups VALUES (3, '5c0e1a00-0000-4000-8000-000000000008', '5c0e1a00-0000-4000-8000-000000000007', 'default-master', 'control-plane', 'master', 'project-2', 1, 'fake-image', NULL, 0, NULL, NULL, '{}', '{}', '[]', '[]', true, false, 'CREATE_IN_PROGRESS', NULL, '[]', NULL, '2026-01-02 03:04:10+00', NULL);
INSERT INTO public.node_groups VALUES (4, '5c0e1a00-0000-4000-8000-000000000009', '5c0e1a00-0000-4000-8000-000000000007', 'default-worker', 'worker', 'worker', 'project-2', 1, 'fake-image', NULL, 0, NULL, NULL, '{}', '{}', '[]', '[]', true, false, 'CREATE_IN_PROGRESS', NULL, '[]', NULL, '2026-01-02 03:04:10+00', NULL);
INSERT INTO public.operations VALUES (1, '5c0e1a00-0000-4000-8000-000000000006', '5c0e1a00-0000-4000-8000-000000000003', 'create', 'project-1', 'user-1', 'req-1', 1, 'succeeded', 'create 1 control plane, 2 workers', false, NULL, NULL, NULL, NULL, '2026-01-02 03:04:05+00', '2026-01-02 03:04:06+00', '2026-01-02 03:04:10+00');
INSERT INTO public.operations VALUES (2, '5c0e1a00-0000-4000-8000-00000000000a', '5c0e1a00-0000-4000-8000-000000000007', 'create', 'project-2', 'user-1', 'req-1', 1, 'queued', '', false, NULL, NULL, NULL, NULL, '2026-01-02 03:04:10+00', NULL, NULL);
INSERT INTO public.quotas VALUES (1, 'project-1', 'Cluster', 7, '2026-01-02 03:04:10+00', NULL);
INSERT INTO public.resources VALUES (1, '5c0e1a00-0000-4000-8000-000000000003', 'network', 'done-network', 'id-network', '2026-01-02 03:04:06+00', NULL);
INSERT INTO public.resources VALUES (2, '5c0e1a00-0000-4000-8000-000000000003', 'machine', 'done-machine', 'id-machine', '2026-01-02 03:04:06+00', NULL);
INSERT INTO public.secrets VALUES ('5c0e1a00-0000-4000-8000-000000000003', 'cluster-ca.crt', '\x018dd3f49da53d7cb4875df1348361cee17905b59877f0da50d25eb40d3296419a2bcd6266eb10d66395');
INSERT INTO public.secrets VALUES ('5c0e1a00-0000-4000-8000-000000000003', 'cluster-ca.key', '\x019c52b15b38945391ee98a959c439b97772b664041aa2ff82fafc9d591cd9a4746e');
INSERT INTO public.services VALUES (1, 'host-1', 'magnum-conductor', 1, '2026-01-02 03:04:06+00', '2026-01-02 03:04:06+00');
INSERT INTO public.steps VALUES (1, '5c0e1a00-0000-4000-8000-000000000006', 'boot', 'done-worker-0', 1, '2026-01-02 03:04:06+00', '2026-01-02 03:04:08+00', false, 'no report', 'transient', 'it is made anew', 'last line');
INSERT INTO public.steps VALUES (2, '5c0e1a00-0000-4000-8000-000000000006', 'boot', 'done-worker-0', 2, '2026-01-02 03:04:08+00', '2026-01-02 03:04:10+00', true, 'ready', NULL, NULL, NULL);
SELECT pg_catalog.setval('public.certificates_id_seq', 1, true);
SELECT pg_catalog.setval('public.cluster_templates_id_seq', 2, true);
SELECT pg_catalog.setval('public.clusters_id_seq', 2, true);
SELECT pg_catalog.setval('public.node_groups_id_seq', 4, true);
SELECT pg_catalog.setval('public.operations_id_seq', 2, true);
SELECT pg_catalog.setval('public.quotas_id_seq', 1, true);
SELECT pg_catalog.setval('public.resources_id_seq', 2, true);
SELECT pg_catalog.setval('public.services_id_seq', 1, true);
SELECT pg_catalog.setval('public.steps_id_seq', 2, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT pk_certificates PRIMARY KEY (id);
ALTER TABLE ONLY public.cluster_templates
    ADD CONSTRAINT pk_cluster_templates PRIMARY KEY (id);
ALTER TABLE ONLY public.clusters
    ADD CONSTRAINT pk_clusters PRIMARY KEY (id);
ALTER TABLE ONLY public.node_groups
    ADD CONSTRAINT pk_node_groups PRIMARY KEY (id);
ALTER TABLE ONLY public.operations
    ADD CONSTRAINT pk_operations PRIMARY KEY (id);
ALTER TABLE ONLY public.quotas
    ADD CONSTRAINT pk_quotas PRIMARY KEY (id);
ALTER TABLE ONLY public.resources
    ADD CONSTRAINT pk_resources PRIMARY KEY (id);
ALTER TABLE ONLY public.secrets
    ADD CONSTRAINT pk_secrets PRIMARY KEY (cluster_uuid, name);
ALTER TABLE ONLY public.services
    ADD CONSTRAINT pk_services PRIMARY KEY (id);
ALTER TABLE ONLY public.steps
    ADD CONSTRAINT pk_steps PRIMARY KEY (id);
ALTER TABLE ONLY public.cluster_templates
    ADD CONSTRAINT uq_cluster_templates_uuid UNIQUE (uuid);
ALTER TABLE ONLY public.clusters
    ADD CONSTRAINT uq_clusters_uuid UNIQUE (uuid);
ALTER TABLE ONLY public.node_groups
    ADD CONSTRAINT uq_node_groups_cluster_uuid_name UNIQUE (cluster_uuid, name);
ALTER TABLE ONLY public.node_groups
    ADD CONSTRAINT uq_node_groups_uuid UNIQUE (uuid);
ALTER TABLE ONLY public.operations
    ADD CONSTRAINT uq_operations_uuid UNIQUE (uuid);
ALTER TABLE ONLY public.quotas
    ADD CONSTRAINT uq_quotas_project_id_resource UNIQUE (project_id, resource);
ALTER TABLE ONLY public.resources
    ADD CONSTRAINT uq_resources_cluster_uuid_kind_name UNIQUE (cluster_uuid, kind, name);
ALTER TABLE ONLY public.services
    ADD CONSTRAINT uq_services_host_binary UNIQUE (host, "binary");
CREATE INDEX ix_certificates_cluster_uuid ON public.certificates USING btree (cluster_uuid);
CREATE INDEX ix_cluster_templates_name ON public.cluster_templates USING btree (name);
CREATE INDEX ix_cluster_templates_project_id_id ON public.cluster_templates USING btree (project_id, id);
CREATE INDEX ix_clusters_name ON public.clusters USING btree (name);
CREATE INDEX ix_clusters_project_id_id ON public.clusters USING btree (project_id, id);
CREATE INDEX ix_clusters_status_health_seen_at ON public.clusters USING btree (status, health_seen_at);
CREATE INDEX ix_clusters_template_uuid ON public.clusters USING btree (template_uuid);
CREATE INDEX ix_operations_cluster_uuid_id ON public.operations USING btree (cluster_uuid, id);
CREATE INDEX ix_operations_state_id ON public.operations USING btree (state, id);
CREATE INDEX ix_steps_operation_uuid_id ON public.steps USING btree (operation_uuid, id);
ALTER TABLE ONLY public.node_groups
    ADD CONSTRAINT fk_node_groups_cluster_uuid FOREIGN KEY (cluster_uuid) REFERENCES public.clusters(uuid) ON DELETE CASCADE;

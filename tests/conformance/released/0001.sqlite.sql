BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE certificates (
	id INTEGER NOT NULL, 
	cluster_uuid TEXT NOT NULL, 
	serial TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	ca TEXT NOT NULL, 
	not_after DATETIME NOT NULL, 
	user_id TEXT NOT NULL, 
	project_id TEXT NOT NULL, 
	created_at DATETIME, 
	CONSTRAINT pk_certificates PRIMARY KEY (id)
);
INSERT INTO "certificates" VALUES(1,'5c0e1a00-0000-4000-8000-000000000003','1234','CN=ada','kubernetes','2027-01-02 03:04:10.000000','user-1','project-1','2026-01-02 03:04:10.000000');
CREATE TABLE cluster_templates (
	id INTEGER NOT NULL, 
	uuid TEXT NOT NULL, 
	name TEXT NOT NULL, 
	project_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	public BOOLEAN NOT NULL, 
	hidden BOOLEAN NOT NULL, 
	tags TEXT, 
	created_at DATETIME, 
	updated_at DATETIME, 
	coe TEXT NOT NULL, 
	image_id TEXT NOT NULL, 
	flavor_id TEXT, 
	control_plane_flavor_id TEXT, 
	keypair_id TEXT, 
	external_network_id TEXT, 
	fixed_network TEXT, 
	fixed_subnet TEXT, 
	dns_nameserver TEXT, 
	network_driver TEXT, 
	volume_driver TEXT, 
	server_type TEXT NOT NULL, 
	os_distro TEXT, 
	driver TEXT, 
	docker_storage_driver TEXT, 
	docker_volume_size_gib BIGINT, 
	apiserver_port BIGINT, 
	http_proxy TEXT, 
	https_proxy TEXT, 
	no_proxy TEXT, 
	insecure_registry TEXT, 
	registry_enabled BOOLEAN NOT NULL, 
	tls_disabled BOOLEAN NOT NULL, 
	api_lb_enabled BOOLEAN NOT NULL, 
	floating_ip_enabled BOOLEAN NOT NULL, 
	labels TEXT NOT NULL, 
	CONSTRAINT pk_cluster_templates PRIMARY KEY (id), 
	CONSTRAINT uq_cluster_templates_uuid UNIQUE (uuid)
);
INSERT INTO "cluster_templates" VALUES(1,'5c0e1a00-0000-4000-8000-000000000001','k8s','project-1','user-1',0,0,'a,b','2026-01-02 03:04:05.000000',NULL,'kubernetes','fake-image',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'vm',NULL,'fake',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,1,'{"kube_tag":"v1.34.4"}');
INSERT INTO "cluster_templates" VALUES(2,'5c0e1a00-0000-4000-8000-000000000002','everybody''s','project-2','user-1',1,0,NULL,'2026-01-02 03:04:05.000000',NULL,'kubernetes','fake-image',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'vm',NULL,'fake',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,1,'{"kube_tag":"v1.34.4"}');
CREATE TABLE clusters (
	id INTEGER NOT NULL, 
	uuid TEXT NOT NULL, 
	name TEXT NOT NULL, 
	project_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	template_uuid TEXT NOT NULL, 
	keypair TEXT, 
	create_timeout_min BIGINT, 
	discovery_url TEXT, 
	deleting BOOLEAN NOT NULL, 
	generation BIGINT NOT NULL, 
	observed_generation BIGINT NOT NULL, 
	fence BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	status_reason TEXT, 
	health TEXT, 
	health_reason TEXT NOT NULL, 
	api_address TEXT, 
	coe_version TEXT, 
	container_version TEXT, 
	backend_id TEXT, 
	created_at DATETIME, 
	updated_at DATETIME, 
	coe TEXT NOT NULL, 
	image_id TEXT NOT NULL, 
	flavor_id TEXT, 
	control_plane_flavor_id TEXT, 
	keypair_id TEXT, 
	external_network_id TEXT, 
	fixed_network TEXT, 
	fixed_subnet TEXT, 
	dns_nameserver TEXT, 
	network_driver TEXT, 
	volume_driver TEXT, 
	server_type TEXT NOT NULL, 
	os_distro TEXT, 
	driver TEXT, 
	docker_storage_driver TEXT, 
	docker_volume_size_gib BIGINT, 
	apiserver_port BIGINT, 
	http_proxy TEXT, 
	https_proxy TEXT, 
	no_proxy TEXT, 
	insecure_registry TEXT, 
	registry_enabled BOOLEAN NOT NULL, 
	tls_disabled BOOLEAN NOT NULL, 
	api_lb_enabled BOOLEAN NOT NULL, 
	floating_ip_enabled BOOLEAN NOT NULL, 
	labels TEXT NOT NULL, 
	health_seen_at DATETIME, 
	CONSTRAINT pk_clusters PRIMARY KEY (id), 
	CONSTRAINT uq_clusters_uuid UNIQUE (uuid)
);
INSERT INTO "clusters" VALUES(1,'5c0e1a00-0000-4000-8000-000000000003','done','project-1','user-1','5c0e1a00-0000-4000-8000-000000000001',NULL,60,NULL,0,1,1,1,'CREATE_COMPLETE',NULL,'HEALTHY','{"api":"ok","done-worker-0.Ready":"True"}','https://192.0.2.1:6443','v1.34.4',NULL,NULL,'2026-01-02 03:04:05.000000',NULL,'kubernetes','fake-image',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'vm',NULL,'fake',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,1,'{"kube_tag":"v1.34.4"}',NULL);
INSERT INTO "clusters" VALUES(2,'5c0e1a00-0000-4000-8000-000000000007','waiting','project-2','user-1','5c0e1a00-0000-4000-8000-000000000002',NULL,60,NULL,0,1,0,0,'CREATE_IN_PROGRESS',NULL,NULL,'{}',NULL,NULL,NULL,NULL,'2026-01-02 03:04:10.000000',NULL,'kubernetes','fake-image',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'vm',NULL,'fake',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,1,'{"kube_tag":"v1.34.4"}',NULL);
CREATE TABLE node_groups (
	id INTEGER NOT NULL, 
	uuid TEXT NOT NULL, 
	cluster_uuid TEXT NOT NULL, 
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	role_name TEXT NOT NULL, 
	project_id TEXT NOT NULL, 
	node_count BIGINT NOT NULL, 
	image_id TEXT NOT NULL, 
	flavor_id TEXT, 
	min_node_count BIGINT NOT NULL, 
	max_node_count BIGINT, 
	docker_volume_size_gib BIGINT, 
	labels TEXT NOT NULL, 
	node_labels TEXT NOT NULL, 
	node_taints TEXT NOT NULL, 
	remove_nodes TEXT NOT NULL, 
	is_default BOOLEAN NOT NULL, 
	deleting BOOLEAN NOT NULL, 
	status TEXT NOT NULL, 
	status_reason TEXT, 
	node_addresses TEXT NOT NULL, 
	version TEXT, 
	created_at DATETIME, 
	updated_at DATETIME, 
	CONSTRAINT pk_node_groups PRIMARY KEY (id), 
	CONSTRAINT fk_node_groups_cluster_uuid FOREIGN KEY(cluster_uuid) REFERENCES clusters (uuid) ON DELETE CASCADE, 
	CONSTRAINT uq_node_groups_cluster_uuid_name UNIQUE (cluster_uuid, name), 
	CONSTRAINT uq_node_groups_uuid UNIQUE (uuid)
);
INSERT INTO "node_groups" VALUES(1,'5c0e1a00-0000-4000-8000-000000000004','5c0e1a00-0000-4000-8000-000000000003','default-master','control-plane','master','project-1',1,'fake-image',NULL,0,NULL,NULL,'{}','{}','[]','[]',1,0,'CREATE_COMPLETE',NULL,'["10.0.0.5"]',NULL,'2026-01-02 03:04:05.000000',NULL);
INSERT INTO "node_groups" VALUES(2,'5c0e1a00-0000-4000-8000-000000000005','5c0e1a00-0000-4000-8000-000000000003','default-worker','worker','worker','project-1',2,'fake-image',NULL,0,5,NULL,'{"zone":"a"}','{"disk":"ssd"}','[]','[]',1,0,'CREATE_COMPLETE',NULL,'["10.0.0.6","10.0.0.7"]',NULL,'2026-01-02 03:04:05.000000',NULL);
INSERT INTO "node_groups" VALUES(3,'5c0e1a00-0000-4000-8000-000000000008','5c0e1a00-0000-4000-8000-000000000007','default-master','control-plane','master','project-2',1,'fake-image',NULL,0,NULL,NULL,'{}','{}','[]','[]',1,0,'CREATE_IN_PROGRESS',NULL,'[]',NULL,'2026-01-02 03:04:10.000000',NULL);
INSERT INTO "node_groups" VALUES(4,'5c0e1a00-0000-4000-8000-000000000009','5c0e1a00-0000-4000-8000-000000000007','default-worker','worker','worker','project-2',1,'fake-image',NULL,0,NULL,NULL,'{}','{}','[]','[]',1,0,'CREATE_IN_PROGRESS',NULL,'[]',NULL,'2026-01-02 03:04:10.000000',NULL);
CREATE TABLE operations (
	id INTEGER NOT NULL, 
	uuid TEXT NOT NULL, 
	cluster_uuid TEXT NOT NULL, 
	verb TEXT NOT NULL, 
	project_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	generation BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	summary TEXT NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	deadline_at DATETIME, 
	error_class TEXT, 
	error TEXT, 
	hint TEXT, 
	created_at DATETIME, 
	started_at DATETIME, 
	finished_at DATETIME, 
	CONSTRAINT pk_operations PRIMARY KEY (id), 
	CONSTRAINT uq_operations_uuid UNIQUE (uuid)
);
INSERT INTO "operations" VALUES(1,'5c0e1a00-0000-4000-8000-000000000006','5c0e1a00-0000-4000-8000-000000000003','create','project-1','user-1','req-1',1,'succeeded','create 1 control plane, 2 workers',0,NULL,NULL,NULL,NULL,'2026-01-02 03:04:05.000000','2026-01-02 03:04:06.000000','2026-01-02 03:04:10.000000');
INSERT INTO "operations" VALUES(2,'5c0e1a00-0000-4000-8000-00000000000a','5c0e1a00-0000-4000-8000-000000000007','create','project-2','user-1','req-1',1,'queued','',0,NULL,NULL,NULL,NULL,'2026-01-02 03:04:10.000000',NULL,NULL);
CREATE TABLE quotas (
	id INTEGER NOT NULL, 
	project_id TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	hard_limit BIGINT NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME, 
	CONSTRAINT pk_quotas PRIMARY KEY (id), 
	CONSTRAINT uq_quotas_project_id_resource UNIQUE (project_id, resource)
);
INSERT INTO "quotas" VALUES(1,'project-1','Cluster',7,'2026-01-02 03:04:10.000000',NULL);
CREATE TABLE resources (
	id INTEGER NOT NULL, 
	cluster_uuid TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	provider_id TEXT, 
	opened_at DATETIME, 
	closed_at DATETIME, 
	CONSTRAINT pk_resources PRIMARY KEY (id), 
	CONSTRAINT uq_resources_cluster_uuid_kind_name UNIQUE (cluster_uuid, kind, name)
);
INSERT INTO "resources" VALUES(1,'5c0e1a00-0000-4000-8000-000000000003','network','done-network','id-network','2026-01-02 03:04:06.000000',NULL);
INSERT INTO "resources" VALUES(2,'5c0e1a00-0000-4000-8000-000000000003','machine','done-machine','id-machine','2026-01-02 03:04:06.000000',NULL);
CREATE TABLE secrets (
	cluster_uuid TEXT NOT NULL, 
	name TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	CONSTRAINT pk_secrets PRIMARY KEY (cluster_uuid, name)
);
INSERT INTO "secrets" VALUES('5c0e1a00-0000-4000-8000-000000000003','cluster-ca.crt',X'018DD3F49DA53D7CB4875DF1348361CEE17905B59877F0DA50D25EB40D3296419A2BCD6266EB10D66395');
INSERT INTO "secrets" VALUES('5c0e1a00-0000-4000-8000-000000000003','cluster-ca.key',X'019C52B15B38945391EE98A959C439B97772B664041AA2FF82FAFC9D591CD9A4746E');
CREATE TABLE services (
	id INTEGER NOT NULL, 
	host TEXT NOT NULL, 
	binary TEXT NOT NULL, 
	report_count BIGINT NOT NULL, 
	created_at DATETIME NOT NULL, 
	last_seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_services PRIMARY KEY (id), 
	CONSTRAINT uq_services_host_binary UNIQUE (host, binary)
);
INSERT INTO "services" VALUES(1,'host-1','magnum-conductor',1,'2026-01-02 03:04:06.000000','2026-01-02 03:04:06.000000');
CREATE TABLE steps (
	id INTEGER NOT NULL, 
	operation_uuid TEXT NOT NULL, 
	name TEXT NOT NULL, 
	target TEXT NOT NULL, 
	attempt BIGINT NOT NULL, 
	started_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	ok BOOLEAN, 
	message TEXT NOT NULL, 
	error_class TEXT, 
	hint TEXT, 
	log TEXT, 
	CONSTRAINT pk_steps PRIMARY KEY (id)
);
INSERT INTO "steps" VALUES(1,'5c0e1a00-0000-4000-8000-000000000006','boot','done-worker-0',1,'2026-01-02 03:04:06.000000','2026-01-02 03:04:08.000000',0,'no report','transient','it is made anew','last line');
INSERT INTO "steps" VALUES(2,'5c0e1a00-0000-4000-8000-000000000006','boot','done-worker-0',2,'2026-01-02 03:04:08.000000','2026-01-02 03:04:10.000000',1,'ready',NULL,NULL,NULL);
CREATE INDEX ix_certificates_cluster_uuid ON certificates (cluster_uuid);
CREATE INDEX ix_cluster_templates_name ON cluster_templates (name);
CREATE INDEX ix_cluster_templates_project_id_id ON cluster_templates (project_id, id);
CREATE INDEX ix_clusters_name ON clusters (name);
CREATE INDEX ix_clusters_project_id_id ON clusters (project_id, id);
CREATE INDEX ix_clusters_status_health_seen_at ON clusters (status, health_seen_at);
CREATE INDEX ix_clusters_template_uuid ON clusters (template_uuid);
CREATE INDEX ix_operations_cluster_uuid_id ON operations (cluster_uuid, id);
CREATE INDEX ix_operations_state_id ON operations (state, id);
CREATE INDEX ix_steps_operation_uuid_id ON steps (operation_uuid, id);
COMMIT;

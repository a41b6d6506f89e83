"""Labels that Magnum, its Heat drivers and its Cluster API driver document. Source: Magnum user guide, Zed to 2026."""

DOCUMENTED = frozenset(
    """
    admission_control_list api_server_cert_sans api_server_tls_cipher_suites audit_log_enabled audit_log_maxage
    audit_log_maxbackup audit_log_maxsize auto_healing_controller auto_healing_enabled auto_scaling_enabled
    autoscaler_tag availability_zone boot_volume_availability_zone boot_volume_size boot_volume_type
    calico_ipv4pool calico_ipv4pool_ipip calico_kube_controllers_tag calico_tag cert_manager_api cgroup_driver
    cilium_hubble_ui_enabled cinder_csi_enabled cinder_csi_plugin_tag cloud_provider_enabled cloud_provider_tag
    cluster_basic_auth_secret cluster_root_domain_name container_infra_prefix container_runtime
    containerd_tarball_sha256 containerd_tarball_url containerd_version coredns_tag csi_attacher_tag
    csi_liveness_probe_tag csi_node_driver_registrar_tag csi_provisioner_tag csi_resizer_tag csi_snapshotter_tag
    docker_volume_type draino_tag etcd_tag etcd_volume_size etcd_volume_type fixed_subnet_cidr flannel_backend
    flannel_cni_tag flannel_network_cidr flannel_network_subnetlen flannel_tag grafana_admin_passwd grafana_tag
    heapster_enabled heat_container_agent_tag helm_client_sha256 helm_client_tag helm_client_url
    hyperkube_prefix influx_grafana_dashboard_enabled ingress_controller ingress_controller_role
    k8s_keystone_auth_tag keystone_auth_enabled kube_dashboard_enabled kube_dashboard_version kube_image_digest
    kube_tag kubeapi_options kubecontroller_options kubelet_options kubelet_tls_cipher_suites kubeproxy_options
    kubescheduler_options magnum_auto_healer_tag manila_csi_plugin_tag manila_csi_share_network_id
    master_lb_allowed_cidrs master_lb_floating_ip_enabled max_node_count mesos_slave_executor_env_variables
    mesos_slave_image_providers mesos_slave_isolation mesos_slave_work_dir metrics_scraper_tag
    metrics_server_chart_tag metrics_server_enabled min_node_count monitoring_enabled monitoring_ingress_enabled
    monitoring_interval_seconds monitoring_retention_days monitoring_retention_size
    monitoring_storage_class_name nginx_ingress_controller_chart_tag nginx_ingress_controller_tag
    node_problem_detector_tag npd_enabled octavia_ingress_controller_tag octavia_lb_algorithm
    octavia_lb_healthcheck octavia_provider ostree_commit ostree_remote prometheus_adapter_chart_tag
    prometheus_adapter_configmap prometheus_adapter_enabled prometheus_monitoring prometheus_operator_chart_tag
    prometheus_tag rexray_preempt selinux_mode service_cluster_ip_range swarm_strategy system_pods_initial_delay
    system_pods_timeout tiller_enabled tiller_namespace tiller_tag traefik_ingress_controller_tag use_podman
    """.split()  # noqa: SIM905 - a list of 120 would take 120 lines
)

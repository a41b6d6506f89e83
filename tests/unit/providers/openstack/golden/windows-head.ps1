#ps1_sysnative
$Signal = @'
{"auth_url": "http://keystone/v3", "password": "it's $HOME `x` @'", "alarm_url": "http://heat/signal"}
'@
$Sealed = @'
PHNlYWxlZD4=
'@
$Ca = @'
-----BEGIN CERTIFICATE-----
MIIB
-----END CERTIFICATE-----
'@

REVOKE CREATE ON SCHEMA corpus FROM platform_app;

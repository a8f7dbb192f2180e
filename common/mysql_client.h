/* mysql_client: the client library's header, and what differs between libmysqlclient and MariaDB's
 * libmariadb.
 *
 * The angle brackets matter: "mysql.h" is ours. */
#pragma once

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <stdbool.h>

#ifdef MARIADB_PACKAGE_VERSION
typedef my_bool mysql_flag;
#else
typedef bool mysql_flag;
#endif

static inline int mysql_client_fd(MYSQL *c)
{
#ifdef MARIADB_PACKAGE_VERSION
    return (int)mysql_get_socket(c);
#else
    return c->net.fd;
#endif
}

/* Whether the certificate is checked and against what; its name is not: MySQL's own certificates have none.
 * libmariadb checks the chain when it is given a CA. */
static inline void mysql_client_tls(MYSQL *c, bool verify, const char *ca_file)
{
#ifdef MARIADB_PACKAGE_VERSION
    mysql_flag yes = 1, no = 0;

    mysql_optionsv(c, MYSQL_OPT_SSL_ENFORCE, &yes);
    mysql_optionsv(c, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
    if (verify)
        mysql_optionsv(c, MYSQL_OPT_SSL_CA, ca_file);
#else
    unsigned mode = verify ? SSL_MODE_VERIFY_CA : SSL_MODE_REQUIRED;

    mysql_options(c, MYSQL_OPT_SSL_MODE, &mode);
    if (verify)
        mysql_options(c, MYSQL_OPT_SSL_CA, ca_file);
#endif
}

/* Without TLS caching_sha2_password sends the password under the server's public key; libmysqlclient fetches
 * that key only if told to, libmariadb always. Servers and programs share a machine or a private network. */
static inline void mysql_client_no_tls(MYSQL *c)
{
#ifdef MARIADB_PACKAGE_VERSION
    mysql_flag no = 0;

    mysql_optionsv(c, MYSQL_OPT_SSL_ENFORCE, &no);
    mysql_optionsv(c, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
#else
    unsigned mode = SSL_MODE_DISABLED;
    mysql_flag yes = 1;

    mysql_options(c, MYSQL_OPT_SSL_MODE, &mode);
    mysql_options(c, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &yes);
#endif
}

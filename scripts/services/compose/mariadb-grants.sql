-- The image gives its user one database only; tests create more of them.
GRANT ALL ON *.* TO 'postrider'@'%' WITH GRANT OPTION;

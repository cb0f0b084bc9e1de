"""Tagged articles as a web page: one file that needs no network, right to left, for the eye, keyboard and ear."""

from hadath.html.view import tagged_page

__all__ = ["tagged_page"]

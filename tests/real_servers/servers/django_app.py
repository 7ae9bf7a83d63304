"""A Django app for gunicorn, which takes requests for one host only."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import re_path

settings.configure(
    ALLOWED_HOSTS=["shop.example"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
)
django.setup()


def echo(request):
    return HttpResponse(request.body, content_type="text/plain")


def stream(request):
    parts = (f"part {number}\n" for number in range(10))
    return StreamingHttpResponse(parts, content_type="text/plain")


urlpatterns = [re_path("^stream$", stream), re_path("", echo)]
application = get_wsgi_application()

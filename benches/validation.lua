-- The request that wrk repeats: a validation that succeeds.
wrk.method = "POST"
wrk.body = '{"username":"test","password":"Test12345!"}'
wrk.headers["Content-Type"] = "application/json"

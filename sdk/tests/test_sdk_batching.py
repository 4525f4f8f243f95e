async def test_starts_go_in_one_request_and_each_has_a_name_so_that_it_may_be_repeated(
    client, script
):
    answers = [{"result": "started"}, {"result": "refused", "problem": {"code": "invalid_name"}}]
    script.on("POST /v1/definitions/order/executions:batch", {"results": answers})
    found = await client.start_many("order", [{"input": {"n": 1}}, {"name": "b", "version": 2}])
    assert found == answers
    first, second = script.seen[0].body["starts"]
    assert first["input"] == {"n": 1}
    assert len(first["name"]) == 36
    assert second == {"name": "b", "version": 2}
